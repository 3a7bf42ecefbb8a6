import Configuration
import CostModel
import GPTJ
import PlanSearch
import Program
import Regression
import Topology

extension Benchmark {
  /// Building GPT-J 6B's step as a Program, and timing it on a pod.
  static let estimate: [Benchmark] = ["pod16", "pod64"].map { pod in
    Benchmark("estimate/\(pod)", "GPT-J 6B, 1024 tokens, global batch 128, \(pod), 8 estimates") {
      let topology = try PodTopology.named(pod)
      let step = try largeStep(on: topology)
      let estimator = Estimator(topology)
      var (program, seconds) = (try step.program(), 0.0)
      return Workload {
        for _ in 0..<8 {
          program = try step.program()
          seconds += estimator.estimate(program).seconds
        }
      } counts: {
        Counts.of(program.work, collectiveCalls: Counts.collectiveCalls(of: program)) + [
          Counts.statements(of: program)
        ]
      }
    }
  }

  /// The search over all plans.
  static let plans: [Benchmark] = [
    search("plans/pod4", pod: "pod4", globalBatchSize: 16),
    search("plans/pod16", pod: "pod16", globalBatchSize: 16),
    wholeSearch("plans/search_pod64", pod: "pod64"),
  ]

  /// Every split without stages, and every step of one micro-batch size.
  private static func wholeSearch(_ name: String, pod: String) -> Benchmark {
    Benchmark(name, "the search for the best 20 plans of GPT-J 6B, global batch 128, \(pod)") {
      let topology = try PodTopology.named(pod)
      let estimator = PlanEstimator(topology, model: try largeStep(on: topology).model)
      var space = PlanSpace(globalBatchSize: 128)
      space.variesStep = true
      space.microBatchSizes = [1]
      space.pipelineParallel = 1
      var search = estimator.search(space, best: 20)
      return Workload {
        search = estimator.search(space, best: 20)
      } counts: {
        [
          Counts.metric("legal_plans", search.timed.count, "plans"),
          Counts.metric("illegal_plans", search.illegal.count, "plans"),
          Counts.metric("built_programs", search.programs, "programs"),
        ]
      }
    }
  }

  private static func search(_ name: String, pod: String, globalBatchSize: Int) -> Benchmark {
    Benchmark(name, "all plans of GPT-J 6B, 1024 tokens, global batch \(globalBatchSize), \(pod)") {
      let topology = try PodTopology.named(pod)
      let step = try largeStep(on: topology)
      let estimator = PlanEstimator(topology, model: step.model)
      var space = PlanSpace(globalBatchSize: globalBatchSize)
      space.microBatchSizes = [1]
      space.step = step.plan
      var ranking = estimator.ranking(space)
      return Workload {
        ranking = estimator.ranking(space)
      } counts: {
        [
          Counts.metric("legal_plans", ranking.legal.count, "plans"),
          Counts.metric("illegal_plans", ranking.illegal.count, "plans"),
        ]
      }
    }
  }

  private static func largeStep(on topology: PodTopology) throws -> TrainingStep {
    var configuration: FineTuningConfiguration =
      try ConfigurationResolver("gptj_6B_1024_pod16").resolve()
    let model = GPTJModel(configuration.model)
    let tensorParallel = ParallelPlan.widestTensorParallel(
      ipus: topology.ipus, linkedIPUs: topology.links.domainIPUs, model: model)
    configuration.execution.tensorParallel = tensorParallel
    configuration.execution.dataParallel = topology.ipus / tensorParallel
    return try TrainingStep(configuration)
  }
}
