package import Configuration
import Program

extension WhatIf {
  /// Why some of them cannot be applied to a configuration together.
  package enum Refusal: Error, Equatable, CustomStringConvertible {
    /// Both set the same.
    case excludeEachOther(WhatIf, WhatIf)
    /// The plan that it would make is illegal.
    case illegal(WhatIf, PlanError)
    /// The step would be the very same.
    case changesNothing(WhatIf)

    package var description: String {
      switch self {
      case .excludeEachOther(let one, let other):
        "\(other.name) and \(one.name) exclude each other: both set execution.\(one.setting)"
      case .illegal(let whatIf, let reason): "\(whatIf.name): \(reason)"
      case .changesNothing(let whatIf):
        "\(whatIf.name) changes nothing here: it needs \(whatIf.need)"
      }
    }
  }

  /// The configuration with all of these.
  ///
  /// Cost: two Programs for each.
  ///
  /// - Throws: `PlanError` where the configuration itself is illegal, `Refusal` where one of these
  ///   cannot be applied to it and those before.
  package static func applied(
    _ whatIfs: [WhatIf], to configuration: FineTuningConfiguration
  ) throws -> FineTuningConfiguration {
    var changed = configuration
    var program = try TrainingStep(changed).program()
    for (index, whatIf) in whatIfs.enumerated() {
      if let other = whatIfs[..<index].first(where: { $0.setting == whatIf.setting }) {
        throw Refusal.excludeEachOther(other, whatIf)
      }
      whatIf.apply(to: &changed.execution)
      let next = try whatIf.program(changed)
      guard next != program else { throw Refusal.changesNothing(whatIf) }
      program = next
    }
    return changed
  }

  /// Each alone, and with `pairs` also every two that do not set the same.
  package static func combinations(pairs: Bool) -> [[WhatIf]] {
    let alone = allCases.map { [$0] }
    guard pairs else { return alone }
    return alone
      + allCases.indices.flatMap { first in
        allCases[(first + 1)...].filter { $0.setting != allCases[first].setting }
          .map { [allCases[first], $0] }
      }
  }

  private func program(_ changed: FineTuningConfiguration) throws(Refusal) -> Program {
    do throws(PlanError) {
      return try TrainingStep(changed).program()
    } catch {
      throw .illegal(self, error)
    }
  }

  /// What a plan must have for it to make a difference.
  fileprivate var need: String {
    switch self {
    case .fusedAllReduce: "tensor_parallel above 1 and separate all-reduces"
    case .droppedCollectives:
      "recompute_closing_collectives true with recompute full and tensor_parallel above 1"
    case .overlappedIO: "more than 2 micro-batches of each replica and io_mode io"
    case .largerMicroBatch: "at least 2 micro-batches"
    case .liveRecompute: "another kind of recompute than live"
    case .selectiveRecompute: "another kind of recompute than selective"
    case .noRecompute: "another kind of recompute than none"
    case .shardedSequence: "tensor_parallel above 1 and whole norms"
    case .shardedOptimizer: "data_parallel above 1 and another state_sharding"
    case .replicatedState: "data_parallel above 1 and another state_sharding"
    case .singlePartials: "model.precision float16 and half partials"
    case .bfloat16Collectives, .float16Collectives:
      "model.precision float32, more than one rank and no other collective_type"
    }
  }
}
