import CostModel
import GPTJ
import PlanSearch
import Program
import Reporting
import Topology

/// What `plans` has to say.
struct PlanComparison {
  let estimator: PlanEstimator
  /// Of the job that is priced.
  let steps: Int
  var shown: [PlanRanking.Entry] = []
  /// Faster than the last that is shown, but too large.
  var unfit = 0
  var legalCount = 0
  var illegalCount = 0
  var sensitivity: [Sensitivity] = []
  var measured: [MeasuredPlan] = []

  /// The plan that the others are held against: the first that fits.
  private var winner: PlanRanking.Entry? { shown.first { $0.memory.fits } }

  var table: Table {
    let hasStages = shown.contains { $0.plan.pipelineParallel > 1 }
    let varies =
      Set(shown.map { $0.plan.recompute }).count > 1
      || shown.contains { !$0.plan.whatIfs.isEmpty }
    let hasLosers = shown.contains { !loss(of: $0).isEmpty }
    var columns: [Table.Column] = [.init("TP", .right), .init("DP", .right)]
    if hasStages { columns.append(.init("PP", .right)) }
    columns += [.init("micro", .right), .init("GA", .right)]
    if varies { columns += [.init("recompute"), .init("what-ifs")] }
    columns += [
      .init("step s", .right), .init("low", .right), .init("high", .right),
      .init("tokens/s", .right), .init("$/run", .right), .init("$/Gtoken", .right),
      .init("bound by"), .init("memory"),
    ]
    if hasLosers { columns.append(.init("loses by")) }
    var table = Table(columns)
    for entry in shown {
      let plan = entry.plan
      var cells = ["\(plan.tensorParallel)", "\(plan.dataParallel)"]
      if hasStages { cells.append("\(plan.pipelineParallel)") }
      cells += ["\(plan.microBatchSize)", "\(plan.gradientAccumulation)"]
      if varies {
        cells += [plan.recompute.rawValue, plan.whatIfs.map(\.name).joined(separator: " ")]
      }
      cells += [
        Format.fixed(entry.step.seconds, 2), Format.fixed(entry.step.secondsLow, 2),
        Format.fixed(entry.step.secondsHigh, 2), Format.grouped(Int(entry.tokensPerSecond)),
        Format.fixed(entry.dollars(steps: steps, on: estimator), 2),
        Format.fixed(entry.dollarsPerBillionTokens(on: estimator), 0),
        "\(entry.step.bound.cause) \(Format.percent(entry.step.bound.share, decimals: 0))",
        entry.memory.brief,
      ]
      if hasLosers { cells.append(loss(of: entry)) }
      table.add(cells)
    }
    return table
  }

  /// What costs a plan that fits more than the winner.
  private func loss(of entry: PlanRanking.Entry) -> String {
    guard let winner, entry.plan != winner.plan, entry.memory.fits else { return "" }
    return entry.step.time.excess(over: winner.step.time).map {
      "\($0.cause) +\(Format.fixed($0.seconds, 2)) s"
    } ?? ""
  }

  func text(width: Int?) -> String {
    var text = table.text(width: width)
    text += "\(shown.count) of \(Format.grouped(legalCount)) legal plans; "
    text += "\(Format.grouped(illegalCount)) other combinations are not legal"
    text += unfit > 0 ? "; \(Format.grouped(unfit)) faster ones do not fit\n" : "\n"
    text +=
      "$/run: \(Format.grouped(steps)) steps at the IPUs' share of the pod's "
      + "\(Format.dollars(estimator.topology.pricePerHourUSD)) per hour\n"
    if !sensitivity.isEmpty { text += "\n" + sensitivityTable.text(width: width) }
    if !measured.isEmpty { text += "\n" + measuredTable.text(width: width) }
    return text
  }

  private var sensitivityTable: Table {
    var table = Table([
      .init("if"), .init("best plan"), .init("step s", .right), .init("$/run", .right),
    ])
    for change in sensitivity {
      table.add([
        "\(change.figure.rawValue) x \(change.factor == 2 ? "2" : "1/2")",
        change.best?.plan.argument ?? "none fits",
        change.best.map { Format.fixed($0.step.seconds, 2) } ?? "",
        change.best.map {
          Format.fixed($0.dollars(steps: steps, on: change.estimator), 2)
        } ?? "",
      ])
    }
    return table
  }

  private var measuredTable: Table {
    var table = Table([
      .init("really trained, scaled down"), .init("as"), .init("loss"), .init("step ms", .right),
      .init("GFLOP", .right), .init("counts"),
    ])
    for plan in measured {
      table.add([
        plan.plan.argument, plan.small.argument,
        plan.losses.map { Format.fixed($0, 4) }.joined(separator: " "),
        Format.fixed(plan.stepSeconds * 1000, 1),
        Format.fixed(Double(plan.stated.flops) / 1e9, 2),
        plan.agrees ? "as stated" : "differ",
      ])
    }
    return table
  }
}

/// The answer of `plans --json`.
struct PlansDocument: Encodable {
  let topology: String
  let plans: [Entry]
  let legalPlans, illegalPlans: Int
  let sensitivity: [Change]?
  let measured: [Measurement]?

  struct Entry: Encodable {
    let plan: ReportDocument.Plan
    let stepSeconds, stepSecondsLow, stepSecondsHigh, tokensPerSecond: Double
    let runCostUSD, billionTokensCostUSD: Double
    let boundBy: String
    let fits: Bool
    let reasons: [String]
    let sramPeakBytesPerIPU, streamingPeakBytesPerIPU: Int

    init(_ entry: PlanRanking.Entry, _ comparison: PlanComparison) {
      plan = ReportDocument.Plan(entry.plan)
      stepSeconds = entry.step.seconds
      stepSecondsLow = entry.step.secondsLow
      stepSecondsHigh = entry.step.secondsHigh
      tokensPerSecond = entry.tokensPerSecond
      runCostUSD = entry.dollars(steps: comparison.steps, on: comparison.estimator)
      billionTokensCostUSD = entry.dollarsPerBillionTokens(on: comparison.estimator)
      boundBy = entry.step.bound.cause
      fits = entry.memory.fits
      reasons = entry.memory.reasons
      sramPeakBytesPerIPU = entry.memory.sramPeakBytesPerIPU
      streamingPeakBytesPerIPU = entry.memory.streamingPeakBytesPerIPU
    }
  }

  struct Change: Encodable {
    let figure: String
    let factor: Double
    let plan: ReportDocument.Plan?
    let stepSeconds: Double?
  }

  struct Measurement: Encodable {
    let plan, smallPlan: ReportDocument.Plan
    let losses: [Double]
    let stepSeconds: Double
    let statedFlops, countedFlops: Int
    let countsAgree: Bool
  }

  init(_ comparison: PlanComparison) {
    topology = comparison.estimator.topology.name
    plans = comparison.shown.map { Entry($0, comparison) }
    legalPlans = comparison.legalCount
    illegalPlans = comparison.illegalCount
    sensitivity =
      comparison.sensitivity.isEmpty
      ? nil
      : comparison.sensitivity.map {
        Change(
          figure: $0.figure.rawValue, factor: $0.factor,
          plan: $0.best.map { ReportDocument.Plan($0.plan) }, stepSeconds: $0.best?.step.seconds)
      }
    measured =
      comparison.measured.isEmpty
      ? nil
      : comparison.measured.map {
        Measurement(
          plan: ReportDocument.Plan($0.plan), smallPlan: ReportDocument.Plan($0.small),
          losses: $0.losses, stepSeconds: $0.stepSeconds, statedFlops: $0.stated.flops,
          countedFlops: $0.counted.flops, countsAgree: $0.agrees)
      }
  }
}
