import Program
import Testing

@Suite("Ranks, groups and shards")
struct MeshTests {
  @Test(
    "Every rank is in one group of each kind, at its index",
    arguments: [(1, 1), (4, 1), (1, 4), (16, 4), (3, 5)], [1, 2, 7])
  func groups(split: (tensor: Int, data: Int), stages: Int) {
    let mesh = Mesh(
      tensorParallel: split.tensor, dataParallel: split.data, pipelineParallel: stages)
    for group in ProcessGroup.allCases {
      var seen: Set<[Int]> = []
      for rank in 0..<mesh.ranks {
        let members = mesh.members(of: group, with: rank)
        #expect(members.count == mesh.size(of: group))
        #expect(members[mesh.index(of: rank, in: group)] == rank)
        #expect(members.allSatisfy { mesh.members(of: group, with: $0) == members })
        seen.insert(members)
      }
      #expect(seen.flatMap(\.self).sorted() == Array(0..<mesh.ranks))
    }
  }

  @Test(
    "The ranks of a tensor-parallel group are consecutive, those of a data-parallel one TP apart")
  func order() {
    let mesh = Mesh(tensorParallel: 4, dataParallel: 3)
    #expect(mesh.members(of: .tensor, with: 6) == [4, 5, 6, 7])
    #expect(mesh.members(of: .data, with: 6) == [2, 6, 10])
    #expect(mesh.tensorIndex(of: 6) == 2 && mesh.dataIndex(of: 6) == 1)
  }

  @Test("Stages stand between the tensor-parallel groups of one replica")
  func stages() {
    let mesh = Mesh(tensorParallel: 2, dataParallel: 2, pipelineParallel: 3)
    #expect((0..<12).map(mesh.stage) == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2])
    #expect(mesh.members(of: .pipeline, with: 3) == [1, 3, 5])
    #expect(mesh.members(of: .data, with: 3) == [3, 9])
    #expect(mesh.members(of: .all, with: 3) == [2, 3, 8, 9])
    #expect(mesh.ranks(ofStage: 2) == [4, 5, 10, 11])
    #expect(mesh.rank(data: 1, stage: 2, tensor: 1) == 11)
    #expect(mesh.stageKinds.reduce(0) { $0 + $1.count } == 3)
  }

  @Test("A number by stage stays between 0 and its limit")
  func stageNumbers() {
    let warmUp = StageNumber(base: 3, perStage: -1, limit: 2)
    #expect((0..<5).map(warmUp.value) == [2, 2, 1, 0, 0])
    let slot = Affine(nil, 1, offset: StageNumber(base: 0, perStage: 2, limit: 9), modulus: nil)
    #expect((0..<3).map { slot.value(turn: 5, stage: $0) } == [6, 8, 10])
    let ring = Affine(nil, modulus: StageNumber(base: 4, perStage: -1, limit: 8))
    #expect((0..<3).map { ring.value(turn: 7, stage: $0) } == [3, 1, 1])
  }

  @Test("Equal shards cover a tensor, with less than one shard of padding", arguments: 1...17)
  func shards(parts: Int) {
    for count in Array(1...40) + [50257, 50403] {
      let each = count.shard(of: parts)
      #expect(each * parts >= count && each * parts - count < parts)
    }
  }
}
