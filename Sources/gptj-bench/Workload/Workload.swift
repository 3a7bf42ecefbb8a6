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

  /// Joins a topology with a configuration.
  ///
  /// TP and DP are the configuration's where `--config`, `--tp` or `--dp` chose them; otherwise the
  /// widest legal TP within the pod's link domain, and the rest of the IPUs for DP.
  ///
  /// - Throws: `TopologyError`, `ConfigurationError` or `PlanError`, naming the place.
  init(
    topology name: String, sequenceLength: Int?, globalBatchSize: Int?, _ options: WorkloadOptions
  ) throws {
    topology = try PodTopology.named(name)
    var configuration = try Self.configuration(options, sequenceLength, globalBatchSize)
    let model = GPTJModel(configuration.model)
    let isChosen =
      options.config != nil || options.tensorParallel != nil || options.dataParallel != nil
      || options.settings.contains { $0.contains("_parallel") }
    if !isChosen {
      let plan = try ParallelPlan.forPod(
        ipus: topology.ipus, linkedIPUs: topology.links.domainIPUs, model: model,
        globalBatchSize: configuration.training.globalBatchSize,
        microBatchSize: configuration.execution.microBatchSize)
      configuration.execution.tensorParallel = plan.tensorParallel
      configuration.execution.dataParallel = plan.dataParallel
    }
    guard configuration.ipus <= topology.ipus else {
      throw PlanError.tooManyRanks(
        ranks: configuration.ipus, ipus: topology.ipus, topology: topology.name)
    }
    self.configuration = configuration
    step = try TrainingStep(configuration)
  }

  private static func configuration(
    _ options: WorkloadOptions, _ sequenceLength: Int?, _ globalBatchSize: Int?
  ) throws -> FineTuningConfiguration {
    try ConfigurationResolver(
      options.config ?? defaultPreset, environment: environment(), otherVariables: otherVariables,
      overrides: options.overrides(
        sequenceLength: sequenceLength, globalBatchSize: globalBatchSize)
    ).resolve()
  }
}
