import Program
import Testing

@Suite("Ranks, groups and shards")
struct MeshTests {
  @Test(
    "Every rank is in one group of each kind, at its index",
    arguments: [(1, 1), (4, 1), (1, 4), (16, 4), (3, 5)])
  func groups(tensor: Int, data: Int) {
    let mesh = Mesh(tensorParallel: tensor, dataParallel: data)
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

  @Test("Equal shards cover a tensor, with less than one shard of padding", arguments: 1...17)
  func shards(parts: Int) {
    for count in Array(1...40) + [50257, 50403] {
      let each = count.shard(of: parts)
      #expect(each * parts >= count && each * parts - count < parts)
    }
  }
}
