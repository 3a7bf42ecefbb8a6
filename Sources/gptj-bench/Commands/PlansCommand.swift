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
    discussion: "With --tp, --dp or --micro-batch, only plans that have those.",
    examples: ["gptj-bench plans --topology pod64 --seq 1024 --gbs 128 --top 10"])

  @OptionGroup var pod: PodOptions
  @OptionGroup var workload: WorkloadOptions

  @Option(help: ArgumentHelp("How many plans to show.", valueName: "n"))
  var top = 20

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard top > 0 else { throw ValidationError("--top is \(top), expected at least 1") }
    try workload.refuseRanking()
  }

  mutating func run() throws {
    let resolved = try Workload(
      topology: pod.topology, sequenceLength: pod.sequenceLength,
      globalBatchSize: pod.globalBatchSize, workload, insistsOnWhatIfs: false)
    var space = PlanSpace(globalBatchSize: resolved.configuration.training.globalBatchSize)
    space.step = resolved.step.plan
    let ranking = resolved.planEstimator.ranking(space)
    let legal = ranking.legal.filter(isWanted)
    let shown = legal.prefix(top)
    if output.json {
      let document = PlansDocument(
        topology: resolved.topology.name, plans: shown.map(PlansDocument.Entry.init),
        legalPlans: legal.count, illegalPlans: ranking.illegal.count)
      StandardStream.output.writeOrExit(
        try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text())
    } else {
      let width = Terminal.detect(.output, noColor: output.noColor).width
      StandardStream.output.writeOrExit(
        table(shown).text(width: width)
          + "\(shown.count) of \(legal.count) legal plans; "
          + "\(Format.grouped(ranking.illegal.count)) other combinations are not legal\n")
    }
  }

  private func isWanted(_ entry: PlanRanking.Entry) -> Bool {
    let plan = entry.plan
    return plan.tensorParallel == workload.tensorParallel ?? plan.tensorParallel
      && plan.dataParallel == workload.dataParallel ?? plan.dataParallel
      && plan.microBatchSize == workload.microBatch ?? plan.microBatchSize
  }

  private func table(_ entries: ArraySlice<PlanRanking.Entry>) -> Table {
    var table = Table([
      .init("TP", .right), .init("DP", .right), .init("micro", .right), .init("GA", .right),
      .init("step s", .right), .init("low", .right), .init("high", .right),
      .init("tokens/s", .right), .init("bound by"), .init("memory"),
    ])
    for entry in entries {
      let plan = entry.plan
      table.add([
        "\(plan.tensorParallel)", "\(plan.dataParallel)", "\(plan.microBatchSize)",
        "\(plan.gradientAccumulation)", Format.fixed(entry.step.seconds, 2),
        Format.fixed(entry.step.secondsLow, 2), Format.fixed(entry.step.secondsHigh, 2),
        Format.grouped(Int(entry.tokensPerSecond)),
        "\(entry.step.bound.cause) \(Format.percent(entry.step.bound.share, decimals: 0))",
        entry.memory.brief,
      ])
    }
    return table
  }
}

/// The answer of `plans --json`.
private struct PlansDocument: Encodable {
  let topology: String
  let plans: [Entry]
  let legalPlans, illegalPlans: Int

  struct Entry: Encodable {
    let plan: ReportDocument.Plan
    let stepSeconds, stepSecondsLow, stepSecondsHigh, tokensPerSecond: Double
    let fits: Bool
    let reasons: [String]
    let sramPeakBytesPerIPU, streamingPeakBytesPerIPU: Int

    init(_ entry: PlanRanking.Entry) {
      plan = ReportDocument.Plan(entry.plan)
      stepSeconds = entry.step.seconds
      stepSecondsLow = entry.step.secondsLow
      stepSecondsHigh = entry.step.secondsHigh
      tokensPerSecond = entry.tokensPerSecond
      fits = entry.memory.fits
      reasons = entry.memory.reasons
      sramPeakBytesPerIPU = entry.memory.sramPeakBytesPerIPU
      streamingPeakBytesPerIPU = entry.memory.streamingPeakBytesPerIPU
    }
  }
}
