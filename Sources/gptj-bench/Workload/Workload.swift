import ArgumentParsing
import Configuration
import CostModel
import GPTJ
import Program
import Reporting
import Topology

/// A pod, a configuration, and the plan that joins them: all that an estimate needs.
struct Workload {
  let topology: PodTopology
  let configuration: FineTuningConfiguration
  let step: TrainingStep

  /// The preset whose model and numbers stand where none is named (Graphcore examples, config).
  static let defaultPreset = "gptj_6B_1024_pod16"

  /// Environment variables of ours that are no settings.
  static let otherVariables = ["GPTJ_BENCH_TEST_DATA"]

  /// The job that is estimated where nothing says how long it is (Graphcore GPT-J notebook).
  static let defaultSteps = 400

  /// Joins a topology with a configuration.
  ///
  /// TP and DP are the configuration's where something chose them; otherwise the widest legal TP
  /// within the pod's link domain, and the rest of the IPUs for DP. `insistsOnWhatIfs` refuses those
  /// that change nothing for that plan.
  ///
  /// - Throws: `TopologyError`, `ConfigurationError`, `PlanError` or `WhatIf.Refusal`, naming the
  ///   place; `ValidationError` for another model than GPT-J.
  init(
    topology name: String, sequenceLength: Int?, globalBatchSize: Int?, steps: Int? = nil,
    _ options: WorkloadOptions, insistsOnWhatIfs: Bool = true
  ) throws {
    try OnlyGPTJ.require(options.model)
    topology = try PodTopology.named(name)
    let overrides = try options.overrides(
      sequenceLength: sequenceLength, globalBatchSize: globalBatchSize, steps: steps)
    let environment = environment()
    var configuration: FineTuningConfiguration = try ConfigurationResolver(
      options.config ?? Self.defaultPreset, environment: environment,
      otherVariables: Self.otherVariables, overrides: overrides
    ).resolve()

    func isChosen(_ path: String) -> Bool {
      options.config != nil || overrides.contains { $0.path == path }
        || environment[ConfigurationOverride.variable(for: path)] != nil
    }
    if !isChosen("training.steps") { configuration.training.steps = Self.defaultSteps }
    try Self.spread(
      &configuration, over: topology, choosesTP: !isChosen("execution.tensor_parallel"),
      choosesDP: !isChosen("execution.data_parallel"))
    guard configuration.ipus <= topology.ipus else {
      throw PlanError.tooManyRanks(
        ranks: configuration.ipus, ipus: topology.ipus, topology: topology.name)
    }
    if insistsOnWhatIfs {
      configuration = try WhatIf.applied(options.whatIfs, to: configuration)
    } else {
      for whatIf in options.whatIfs { whatIf.apply(to: &configuration.execution) }
    }
    self.configuration = configuration
    step = try TrainingStep(self.configuration)
  }

  /// Chooses what nothing else has chosen of TP and DP.
  private static func spread(
    _ configuration: inout FineTuningConfiguration, over topology: PodTopology, choosesTP: Bool,
    choosesDP: Bool
  ) throws(PlanError) {
    let model = GPTJModel(configuration.model)
    let stages = configuration.execution.pipelineParallel
    if let reason = ParallelPlan.illegality(ofPipelineParallel: stages, for: model) { throw reason }
    // What each stage has.
    let ipus = max(1, topology.ipus / stages)
    if choosesTP {
      let room = choosesDP ? ipus : max(1, ipus / configuration.execution.dataParallel)
      configuration.execution.tensorParallel = ParallelPlan.widestTensorParallel(
        ipus: room, linkedIPUs: topology.links.domainIPUs, model: model)
    }
    let tensorParallel = configuration.execution.tensorParallel
    if let reason = ParallelPlan.illegality(ofTensorParallel: tensorParallel, for: model) {
      throw reason
    }
    if choosesDP { configuration.execution.dataParallel = max(1, ipus / tensorParallel) }
  }
}
