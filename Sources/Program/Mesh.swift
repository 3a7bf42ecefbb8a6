/// The grid of ranks that one SPMD Program runs on: tensor-parallel groups side by side.
///
/// Rank = data index x `tensorParallel` + tensor index, so the ranks of one tensor-parallel group
/// are consecutive (the replica order of Graphcore examples, nlp/gpt_j/popxl).
package struct Mesh: Sendable, Equatable {
  package let tensorParallel: Int
  package let dataParallel: Int

  package init(tensorParallel: Int, dataParallel: Int) {
    precondition(tensorParallel > 0 && dataParallel > 0, "a mesh has at least one rank")
    self.tensorParallel = tensorParallel
    self.dataParallel = dataParallel
  }

  package var ranks: Int { tensorParallel * dataParallel }

  /// Number of ranks in each group of that kind.
  package func size(of group: ProcessGroup) -> Int {
    switch group {
    case .tensor: tensorParallel
    case .data: dataParallel
    case .all: ranks
    }
  }

  package func tensorIndex(of rank: Int) -> Int { rank % tensorParallel }
  package func dataIndex(of rank: Int) -> Int { rank / tensorParallel }

  /// The position of a rank inside its group of that kind, in the group's order.
  package func index(of rank: Int, in group: ProcessGroup) -> Int {
    switch group {
    case .tensor: tensorIndex(of: rank)
    case .data: dataIndex(of: rank)
    case .all: rank
    }
  }

  /// The ranks of the group that `rank` belongs to, in the group's order.
  package func members(of group: ProcessGroup, with rank: Int) -> [Int] {
    switch group {
    case .tensor:
      let first = dataIndex(of: rank) * tensorParallel
      return Array(first..<first + tensorParallel)
    case .data:
      return (0..<dataParallel).map { $0 * tensorParallel + tensorIndex(of: rank) }
    case .all:
      return Array(0..<ranks)
    }
  }
}

/// Whom a collective joins: a tensor-parallel group (stride 1), a data-parallel one (stride TP), or all.
package enum ProcessGroup: String, Sendable, CaseIterable {
  case tensor, data, all
}

/// The axes of the mesh over whose ranks a tensor's contents differ.
package struct AxisSet: OptionSet, Sendable, Hashable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let tensor = AxisSet(rawValue: 1)
  package static let data = AxisSet(rawValue: 2)
  package static let all: AxisSet = [.tensor, .data]

  /// The axes that a group spans.
  package init(_ group: ProcessGroup) {
    switch group {
    case .tensor: self = .tensor
    case .data: self = .data
    case .all: self = .all
    }
  }
}
