import Glibc
import Regression
import Testing

struct VerdictTests {
  private static func paired(
    _ shifts: [Double], noise: inout Noise, rounds: Int = 30, deviation: Double = 0.004,
    polarity: Metric.Polarity = .smallerIsBetter
  ) -> [PairedTimes] {
    shifts.enumerated().map { index, shift in
      PairedTimes(
        name: MetricName(benchmark: "kernels/\(index)", metric: "seconds"), polarity: polarity,
        logRatios: noise.series(rounds, deviation, shift: shift))
    }
  }

  @Test(arguments: [
    (0.0, Verdict.same), (0.05, .regression), (-0.05, .better), (0.02, .inconclusive),
  ])
  func `A shift gets the verdict of tolerance and limit`(shift: Double, verdict: Verdict) {
    // An interval of about 0.3 % on both sides.
    let ratios = (0..<41).map { shift + Double($0 - 20) * 0.001 }
    for (polarity, sign) in [(Metric.Polarity.smallerIsBetter, 1.0), (.biggerIsBetter, -1)] {
      var thresholds = Sample.thresholds
      if verdict == .inconclusive {
        thresholds.lines.append(.init(metric: "*", kind: .time, tolerance: 0.02, limit: 0.021))
      }
      let times = PairedTimes(
        name: .init(benchmark: "a", metric: "seconds"), polarity: polarity,
        logRatios: ratios.map { $0 * sign })
      let comparison = Comparison.judge(paired: [times], thresholds: thresholds)
      #expect(comparison.metrics.map(\.verdict) == [verdict])
      let change = comparison.metrics[0].change ?? .nan
      #expect((change - expm1(shift * sign)).magnitude < 1e-3)
      let interval = comparison.metrics[0].changeInterval ?? (.nan, .nan)
      #expect(interval.low < change && change < interval.high)
    }
  }

  @Test func `A binary compared with itself raises no alarm, however many metrics it has`() {
    var noise = Noise(state: 1)
    var (alarms, inconclusive) = (0, 0)
    let runs = 500
    for _ in 0..<runs {
      let times = Self.paired([Double](repeating: 0, count: 20), noise: &noise)
      let comparison = Comparison.judge(paired: times, thresholds: Sample.thresholds)
      alarms += comparison.outcome == .regression ? 1 : 0
      inconclusive += comparison.outcome == .inconclusive ? 1 : 0
    }
    #expect(alarms == 0 && inconclusive <= runs / 20)
  }

  @Test func `Without a tolerance, false alarms stay below the promised share`() {
    var noise = Noise(state: 2)
    let thresholds = Thresholds([.init(metric: "*", tolerance: 0, limit: 0.03)])
    var found = 0
    let runs = 1000
    for _ in 0..<runs {
      let times = Self.paired([Double](repeating: 0, count: 10), noise: &noise, rounds: 15)
      let outcome = Comparison.judge(paired: times, thresholds: thresholds).outcome
      found += outcome == .regression || outcome == .better ? 1 : 0
    }
    // 5 % of 1000 and three deviations; far fewer would mean that the test is blunt.
    #expect((5...71).contains(found))
  }

  @Test func `A planted slowdown of one metric among twenty is caught`() {
    var noise = Noise(state: 3)
    var caught = 0
    for run in 0..<200 {
      var shifts = [Double](repeating: 0, count: 20)
      shifts[run % 20] = log(1.03)
      let times = Self.paired(shifts, noise: &noise)
      let comparison = Comparison.judge(paired: times, thresholds: Sample.thresholds)
      #expect(comparison.outcome != .same && comparison.outcome != .better)
      let worse = comparison.metrics.filter { $0.verdict == .regression }
      if worse.map(\.name.benchmark) == ["kernels/\(run % 20)"] { caught += 1 }
    }
    #expect(caught >= 195)
  }

  @Test func `What is found leaves more certainty for the rest`() {
    // 11 rounds are too few for one of 100 metrics, and enough once 99 are decided.
    let clear = (0..<11).map { 0.5 + Double($0) * 0.001 }
    let close = (0..<9).map { 0.5 + Double($0) * 0.001 }
    let times = (0..<20).map { index in
      PairedTimes(
        name: .init(benchmark: "\(index)", metric: "seconds"),
        logRatios: index == 0 ? close : clear)
    }
    let alone = Comparison.judge(paired: Array(times.prefix(1)), thresholds: Sample.thresholds)
    let all = Comparison.judge(paired: times, thresholds: Sample.thresholds)
    #expect(alone.outcome == .regression)
    #expect(all.metrics.allSatisfy { $0.verdict == .regression })
    var options = ComparisonOptions()
    options.looks = 100
    let patient = Comparison.judge(
      paired: times, thresholds: Sample.thresholds, options: options)
    #expect(patient.undecided.count == 20)
  }

  @Test func `A time without rounds is inconclusive and asked for again`() {
    let name = MetricName(benchmark: "a", metric: "seconds")
    let comparison = Comparison.judge(
      paired: [PairedTimes(name: name, logRatios: [])], thresholds: Sample.thresholds)
    #expect(comparison.outcome == .inconclusive && comparison.undecided == [name])
  }

  @Test func `A slower time must be slower again`() {
    let names = ["a", "b", "c", "d"].map { MetricName(benchmark: $0, metric: "seconds") }
    func times(_ shifts: [Double]) -> [PairedTimes] {
      zip(names, shifts).map { name, shift in
        PairedTimes(name: name, logRatios: (0..<30).map { shift + Double($0 - 15) * 1e-4 })
      }
    }
    let first = Comparison.judge(
      paired: times([0.1, 0.1, 0.1, 0]), thresholds: Sample.thresholds)
    #expect(first.unconfirmed == Array(names.prefix(3)))
    let second = Comparison.judge(paired: times([0.1, 0]), thresholds: Sample.thresholds)
    let confirmed = first.confirmed(by: second)
    #expect(
      confirmed.metrics.map(\.verdict) == [.regression, .same, .inconclusive, .same])
    #expect(confirmed.notes.count == 2 && confirmed.notes[0].contains("b/seconds"))
  }

  @Test(arguments: [
    (Sample.count(13), Verdict.regression), (Sample.count(12), .same), (Sample.count(11), .better),
  ])
  func `A count may not grow by one`(new: Metric, verdict: Verdict) {
    let comparison = judge([Sample.count(12)], [new])
    #expect(comparison.metrics.map(\.verdict) == [verdict])
    let bigger = judge(
      [Sample.count(12, polarity: .biggerIsBetter)],
      [Sample.count(24 - new.samples[0], polarity: .biggerIsBetter)])
    #expect(bigger.metrics.map(\.verdict) == [verdict])
  }

  @Test func `A count that was zero may not appear`() {
    #expect(judge([Sample.count(0)], [Sample.count(1)]).outcome == .regression)
    #expect(judge([Sample.count(0)], [Sample.count(0)]).outcome == .same)
    #expect(judge([Sample.count(1)], [Sample.count(0)]).outcome == .better)
  }

  @Test(arguments: [(1019.0, Verdict.same), (1021, .regression), (979, .better)])
  func `A size has its tolerance`(new: Double, verdict: Verdict) {
    #expect(judge([Sample.size(1000)], [Sample.size(new)]).metrics.map(\.verdict) == [verdict])
  }

  @Test func `Calibration takes out what the whole machine does`() {
    var noise = Noise(state: 4)
    func metric(machine: Double, calibrated: Bool) -> Metric {
      let calibration = (0..<20).map { _ in 0.01 * machine * exp(0.05 * noise.normal()) }
      let samples = calibration.map { $0 * 3 * exp(0.004 * noise.normal()) }
      return Sample.time(samples, calibration: calibrated ? calibration : nil)
    }
    let base = metric(machine: 1, calibrated: true)
    let slowMachine = metric(machine: 1.26, calibrated: true)
    #expect(judge([base], [slowMachine]).outcome == .same)
    #expect(judge([base], [slowMachine]).metrics[0].isCalibrated)
    var raw = slowMachine
    raw.calibrationSeconds = nil
    #expect(judge([base], [raw]).outcome == .regression)
    #expect(!judge([base], [raw]).metrics[0].isCalibrated)
  }

  @Test func `Calibrated speeds go the other way`() {
    let calibration = (0..<20).map { 0.01 + Double($0) * 0.001 }
    func speed(_ tokens: Double) -> Metric {
      Sample.time(
        calibration.map { tokens / $0 }, name: "tokens_per_second", polarity: .biggerIsBetter,
        calibration: calibration)
    }
    #expect(judge([speed(1000)], [speed(1000)]).outcome == .same)
    #expect(judge([speed(1000)], [speed(900)]).outcome == .regression)
    #expect(judge([speed(1000)], [speed(1100)]).outcome == .better)
  }

  @Test func `Paired times take the place of stored ones`() {
    let base = [Sample.benchmark([Sample.count(5), Sample.time([1, 1, 1])])]
    let times = PairedTimes(
      name: .init(benchmark: "kernels/gelu", metric: "seconds"),
      logRatios: (0..<30).map { Double($0 - 15) * 1e-4 })
    let comparison = Comparison.judge(
      base: base, new: base, paired: [times], thresholds: Sample.thresholds)
    #expect(comparison.metrics.map(\.name.metric) == ["heap_allocations", "seconds"])
    #expect(comparison.metrics.map(\.samples) == [[], [30, 30]])
  }

  private func judge(_ base: [Metric], _ new: [Metric]) -> Comparison {
    Comparison.judge(
      base: [Sample.benchmark(base)], new: [Sample.benchmark(new)],
      thresholds: Sample.thresholds)
  }
}
