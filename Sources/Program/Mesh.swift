/// The grid of ranks that one Program runs on: tensor-parallel groups side by side, the stages of a
/// pipeline, and replicas of all that.
///
/// Rank = (data index x `pipelineParallel` + stage) x `tensorParallel` + tensor index, so the ranks
/// of one tensor-parallel group are consecutive (the replica order of Graphcore examples,
/// nlp/gpt_j/popxl) and neighbouring stages are next to each other.
package struct Mesh: Sendable, Equatable {
  package let tensorParallel: Int
  package let dataParallel: Int
  /// Stages of a pipeline; 1 for none.
  package let pipelineParallel: Int

  package init(tensorParallel: Int, dataParallel: Int, pipelineParallel: Int = 1) {
    precondition(
      tensorParallel > 0 && dataParallel > 0 && pipelineParallel > 0,
      "a mesh has at least one rank")
    self.tensorParallel = tensorParallel
    self.dataParallel = dataParallel
    self.pipelineParallel = pipelineParallel
  }

  package var ranks: Int { tensorParallel * dataParallel * pipelineParallel }
  /// Ranks that run the same stage.
  package var ranksPerStage: Int { tensorParallel * dataParallel }

  /// Number of ranks in each group of that kind.
  package func size(of group: ProcessGroup) -> Int {
    switch group {
    case .tensor: tensorParallel
    case .data: dataParallel
    case .all: ranksPerStage
    case .pipeline: pipelineParallel
    }
  }

  /// How far apart two neighbours of a group are, on average where they are not evenly spread.
  package func stride(of group: ProcessGroup) -> Int {
    switch group {
    case .tensor: 1
    case .all: dataParallel > 1 ? pipelineParallel : 1
    case .pipeline: tensorParallel
    case .data: tensorParallel * pipelineParallel
    }
  }

  package func tensorIndex(of rank: Int) -> Int { rank % tensorParallel }
  package func stage(of rank: Int) -> Int { rank / tensorParallel % pipelineParallel }
  package func dataIndex(of rank: Int) -> Int { rank / (tensorParallel * pipelineParallel) }

  package func rank(data: Int, stage: Int, tensor: Int) -> Int {
    (data * pipelineParallel + stage) * tensorParallel + tensor
  }

  /// The ranks of one stage, in their order.
  package func ranks(ofStage stage: Int) -> [Int] {
    (0..<dataParallel).flatMap { data in
      (0..<tensorParallel).map { rank(data: data, stage: stage, tensor: $0) }
    }
  }

  /// The position of a rank inside its group of that kind, in the group's order.
  package func index(of rank: Int, in group: ProcessGroup) -> Int {
    switch group {
    case .tensor: tensorIndex(of: rank)
    case .data: dataIndex(of: rank)
    case .all: dataIndex(of: rank) * tensorParallel + tensorIndex(of: rank)
    case .pipeline: stage(of: rank)
    }
  }

  /// The ranks of the group that `rank` belongs to, in the group's order.
  package func members(of group: ProcessGroup, with rank: Int) -> [Int] {
    let (data, stage, tensor) = (dataIndex(of: rank), stage(of: rank), tensorIndex(of: rank))
    return switch group {
    case .tensor: (0..<tensorParallel).map { self.rank(data: data, stage: stage, tensor: $0) }
    case .data: (0..<dataParallel).map { self.rank(data: $0, stage: stage, tensor: tensor) }
    case .all: ranks(ofStage: stage)
    case .pipeline:
      (0..<pipelineParallel).map { self.rank(data: data, stage: $0, tensor: tensor) }
    }
  }
}

/// Whom a collective joins: a tensor-parallel group (stride 1), a data-parallel one, all ranks of a
/// stage (which are all there are where there is no pipeline), or a rank of each stage.
package enum ProcessGroup: String, Sendable, CaseIterable {
  case tensor, data, all, pipeline
}

/// The axes of the mesh over whose ranks a tensor's contents differ.
package struct AxisSet: OptionSet, Sendable, Hashable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let tensor = AxisSet(rawValue: 1)
  package static let data = AxisSet(rawValue: 2)
  package static let pipeline = AxisSet(rawValue: 4)
  /// Those of one stage.
  package static let all: AxisSet = [.tensor, .data]

  /// The axes that a group spans.
  package init(_ group: ProcessGroup) {
    switch group {
    case .tensor: self = .tensor
    case .data: self = .data
    case .all: self = .all
    case .pipeline: self = .pipeline
    }
  }
}
