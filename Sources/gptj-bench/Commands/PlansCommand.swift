import ArgumentParsing
import Configuration
import CostModel
import GPTJ
import PlanSearch
import Reporting
import Topology

/// Every legal sharding plan of a batch on a pod, the fastest first.
struct PlansCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plans",
    abstract: "Compares the sharding plans that a pod allows, by modelled step time.",
    discussion: "With --tp, --dp, --pp or --micro-batch, only plans that have those.",
    examples: [
      "gptj-bench plans --topology pod64 --seq 1024 --gbs 128 --top 10",
      "gptj-bench plans --topology pod64 --search --sensitivity",
      "gptj-bench plans --topology pod64 --plan tp16,dp4 --plan tp8,dp8,recompute=none",
    ])

  @OptionGroup var pod: PodOptions
  @OptionGroup var workload: WorkloadOptions

  @Option(
    help: ArgumentHelp(
      "Compares these plans only, such as tp16,dp4,mb2,recompute=none,what-if=fused-all-reduce.",
      valueName: "plan"))
  var plan: [String] = []

  @Flag(help: "Also varies pipeline stages, what is recomputed, and the what-ifs.")
  var search = false

  @Flag(help: "Only plans that no other beats in time, price and both memories at once.")
  var pareto = false

  @Flag(help: "Also the best plan at half and twice the link and streaming bandwidth and price.")
  var sensitivity = false

  @Option(
    help: ArgumentHelp(
      "Really trains the best plans, scaled down, and checks what was counted.", valueName: "n"))
  var measure: Int?

  @Option(help: ArgumentHelp("How many plans to show.", valueName: "n"))
  var top = 20

  @Flag(help: "Prints comma-separated values.")
  var csv = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard top > 0 else { throw ValidationError("--top is \(top), expected at least 1") }
    guard measure ?? 1 > 0 else {
      throw ValidationError("--measure is \(measure ?? 0), expected at least 1")
    }
    guard !csv || !output.json else { throw ValidationError("--csv and --json are one too many") }
    guard plan.isEmpty || !search && !pareto && !sensitivity else {
      throw ValidationError("--plan names the plans, so there is nothing to search")
    }
    try workload.refuseRanking()
  }

  mutating func run() throws {
    let resolved = try Workload(
      topology: pod.topology, sequenceLength: pod.sequenceLength,
      globalBatchSize: pod.globalBatchSize, workload, insistsOnWhatIfs: false)
    let comparison = try comparison(resolved)
    if output.json {
      StandardStream.output.writeOrExit(
        try JSONDocument(
          PlansDocument(comparison), schemaVersion: ReportDocument.schemaVersion
        ).text())
    } else if csv {
      StandardStream.output.writeOrExit(comparison.table.csv())
    } else {
      let width = Terminal.detect(.output, noColor: output.noColor).width
      StandardStream.output.writeOrExit(comparison.text(width: width))
    }
  }

  private func comparison(_ resolved: Workload) throws -> PlanComparison {
    let estimator = resolved.planEstimator
    let batch = resolved.configuration.training.globalBatchSize
    var space = PlanSpace(globalBatchSize: batch)
    space.step = resolved.step.plan
    space.tensorParallel = workload.tensorParallel
    space.dataParallel = workload.dataParallel
    space.pipelineParallel = workload.pipelineParallel
    if let size = workload.microBatch { space.microBatchSizes = [size] }
    space.variesStep = search
    var comparison = PlanComparison(
      estimator: estimator, steps: resolved.configuration.training.steps)
    if !plan.isEmpty {
      let plans = try plan.map {
        try PlanArgument.plan(
          $0, globalBatchSize: batch, model: resolved.step.model, like: resolved.step.plan)
      }
      comparison.shown = try plans.map { try estimator.entry($0) }
      comparison.legalCount = plans.count
    } else if search && !pareto {
      let found = estimator.search(space, best: top)
      comparison.shown = found.best
      comparison.unfit = found.unfit.count
      comparison.legalCount = found.timed.count
      comparison.illegalCount = found.illegal.count
    } else {
      let ranking = estimator.ranking(space)
      let entries = pareto ? estimator.paretoFront(of: ranking.legal) : ranking.legal
      comparison.shown = Array(entries.prefix(top))
      comparison.legalCount = ranking.legal.count
      comparison.illegalCount = ranking.illegal.count
    }
    if sensitivity { comparison.sensitivity = estimator.sensitivity(in: space) }
    if let measure {
      comparison.measured = try comparison.shown.filter(\.memory.fits).prefix(measure).map {
        try MeasuredPlan($0.plan)
      }
    }
    return comparison
  }
}
