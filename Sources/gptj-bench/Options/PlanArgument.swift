import ArgumentParsing
import GPTJ
import NearestName

/// A plan as `--plan` names it: `tp16,dp4,pp2,mb1,recompute=full,what-if=fused-all-reduce`.
enum PlanArgument {
  /// The plan of a global batch; what is not named is as in `step`.
  ///
  /// - Throws: `ValidationError` that names the part and the nearest one, or `PlanError` where the
  ///   plan cannot split the model.
  static func plan(
    _ text: String, globalBatchSize: Int, model: GPTJModel, like step: ParallelPlan
  ) throws -> ParallelPlan {
    var sizes = ["tp": 1, "dp": 1, "pp": 1, "mb": 1]
    var named = step
    for part in text.split(separator: ",").map(String.init) {
      if let equals = part.firstIndex(of: "=") {
        let value = String(part[part.index(after: equals)...])
        try set(String(part[..<equals]), to: value, in: &named, of: text)
      } else {
        let name = String(part.prefix { $0.isLetter })
        guard sizes[name] != nil, let size = Int(part.dropFirst(name.count)), size > 0 else {
          throw unknown(part, of: text)
        }
        sizes[name] = size
      }
    }
    var plan = try ParallelPlan.spread(
      globalBatchSize, over: sizes["dp"] ?? 1, tensorParallel: sizes["tp"] ?? 1,
      microBatchSize: sizes["mb"] ?? 1, pipelineParallel: sizes["pp"] ?? 1, model: model)
    plan.follow(named)
    if let reason = plan.illegality(for: model) { throw reason }
    return plan
  }

  private static func set(
    _ key: String, to value: String, in plan: inout ParallelPlan, of text: String
  ) throws {
    switch key {
    case "recompute":
      guard let kind = ParallelPlan.Recompute(rawValue: value) else {
        throw unknown(value, of: text, among: ParallelPlan.Recompute.allCases.map(\.rawValue))
      }
      plan.recompute = kind
    case "what-if":
      switch WhatIf(rawValue: value) {
      case .fusedAllReduce: plan.rewrites.fusesAllReduces = true
      case .overlappedIO: plan.rewrites.overlapsIO = true
      case .shardedSequence: plan.rewrites.shardsSequence = true
      case .shardedOptimizer: plan.rewrites.stateSharding = .optimizer
      case .replicatedState: plan.rewrites.stateSharding = .none
      case .droppedCollectives: plan.recomputeClosingCollectives = false
      default: throw unknown(value, of: text, among: whatIfs.map(\.name))
      }
    default: throw unknown(key + "=", of: text)
    }
  }

  /// Those that are no sizes, kinds of recomputation or other numerics.
  private static let whatIfs: [WhatIf] = [
    .fusedAllReduce, .overlappedIO, .shardedSequence, .shardedOptimizer, .replicatedState,
    .droppedCollectives,
  ]

  private static func unknown(
    _ part: String, of text: String,
    among names: [String] = ["tp<n>", "dp<n>", "pp<n>", "mb<n>", "recompute=", "what-if="]
  ) -> ValidationError {
    let suggestion = nearest(part, in: names).map { "; did you mean '\($0)'?" } ?? ""
    return ValidationError(
      "--plan \(text): '\(part)' is none of \(names.joined(separator: ", "))\(suggestion)")
  }
}

extension ParallelPlan {
  /// As `--plan` takes it.
  var argument: String {
    (["tp\(tensorParallel)", "dp\(dataParallel)"]
      + (pipelineParallel > 1 ? ["pp\(pipelineParallel)"] : [])
      + ["mb\(microBatchSize)", "recompute=\(recompute.rawValue)"]
      + whatIfs.map { "what-if=\($0.name)" }).joined(separator: ",")
  }
}
