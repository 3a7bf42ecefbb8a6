extension Comparison {
  /// Judges the metrics of benchmarks on both sides: counts, sizes, and times as two samples.
  ///
  /// With `paired`, times come from there and not from the benchmarks.
  package static func judge(
    base: [MeasuredBenchmark], new: [MeasuredBenchmark], paired: [PairedTimes]? = nil,
    thresholds: Thresholds, options: ComparisonOptions = .init()
  ) -> Comparison {
    let kinds = kinds(options, isPaired: paired != nil)
    var matching = Matching(base: base, new: new, kinds: kinds)
    matching.match()
    var result = Comparison(problems: matching.problems)
    var candidates: [TimeCandidate] = []
    for (name, base, new) in matching.pairs {
      let threshold = thresholds.threshold(
        of: "\(name)", kind: base.kind, comparison: paired == nil ? .stored : .paired)
      var metric = MetricComparison(
        name: name, unit: new.unit, kind: new.kind, polarity: new.polarity,
        base: median(base.samples), new: median(new.samples), threshold: threshold,
        verdict: .inconclusive)
      if metric.kind == .time {
        metric.isCalibrated = base.calibrationSeconds != nil && new.calibrationSeconds != nil
        candidates.append(TimeCandidate(metric, TimeEvidence(base: base, new: new)))
      } else {
        metric.verdict = metric.exactVerdict
        result.metrics.append(metric)
      }
    }
    result.metrics += judge(candidates, options)
    if let paired, !options.countsOnly {
      result.metrics +=
        judge(paired: paired, thresholds: thresholds, options: options).metrics
    }
    result.metrics += matching.added.map { name, metric in
      MetricComparison(
        name: name, unit: metric.unit, kind: metric.kind, polarity: metric.polarity, base: nil,
        new: median(metric.samples), threshold: Threshold(tolerance: 0, limit: 0), verdict: .new)
    }
    result.sort(like: base.map(\.name) + new.map(\.name))
    return result
  }

  private static func kinds(_ options: ComparisonOptions, isPaired: Bool) -> Set<Metric.Kind> {
    if options.countsOnly { return [.count] }
    return isPaired ? [.count, .size] : [.count, .size, .time]
  }

  /// Keeps the metrics of a benchmark together, in the order of the names.
  private mutating func sort(like benchmarks: [String]) {
    var order: [String: Int] = [:]
    for (index, name) in benchmarks.enumerated() where order[name] == nil { order[name] = index }
    let places = metrics.map { order[$0.name.benchmark] ?? Int.max }
    metrics = metrics.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { metrics[$0] }
  }
}

extension MetricComparison {
  /// The verdict on figures without noise: a change beyond the tolerance counts, however small.
  fileprivate var exactVerdict: Verdict {
    guard let base, let new else { return .inconclusive }
    let (good, bad) = polarity == .smallerIsBetter ? (base, new) : (new, base)
    if bad > good * (1 + threshold.tolerance) { return .regression }
    return good > bad * (1 + threshold.tolerance) ? .better : .same
  }
}

/// Finds what belongs together on both sides, and what does not.
private struct Matching {
  let base, new: [MeasuredBenchmark]
  let kinds: Set<Metric.Kind>
  var pairs: [(MetricName, base: Metric, new: Metric)] = []
  var added: [(MetricName, Metric)] = []
  var problems: [String] = []

  init(base: [MeasuredBenchmark], new: [MeasuredBenchmark], kinds: Set<Metric.Kind>) {
    self.base = base
    self.new = new
    self.kinds = kinds
  }

  mutating func match() {
    let newByName = Dictionary(new.map { ($0.name, $0) }) { first, _ in first }
    let baseNames = Set(base.map(\.name))
    for old in base {
      // With counts only, a benchmark that has none is not asked for.
      guard old.metrics.contains(where: isWanted) else { continue }
      guard let now = newByName[old.name] else {
        problems.append("The benchmark \(old.name) is in BASE and missing in NEW.")
        continue
      }
      guard old.plan == now.plan else {
        problems.append(
          "\(old.name) has another plan: '\(old.plan)' in BASE, '\(now.plan)' in NEW.")
        continue
      }
      match(old, now)
    }
    for benchmark in new where !baseNames.contains(benchmark.name) {
      add(benchmark.metrics.filter(isWanted), of: benchmark)
    }
  }

  private mutating func match(_ old: MeasuredBenchmark, _ now: MeasuredBenchmark) {
    for metric in old.metrics.filter(isWanted) {
      let name = MetricName(benchmark: old.name, metric: metric.name)
      guard let twin = now.metrics.first(where: { $0.name == metric.name }) else {
        problems.append("The metric \(name) is in BASE and missing in NEW.")
        continue
      }
      // The counts of a baseline have no unit.
      let isAlike =
        metric.kind == twin.kind && metric.polarity == twin.polarity
        && (metric.unit == twin.unit || metric.unit.isEmpty)
      if isAlike {
        pairs.append((name, metric, twin))
      } else {
        problems.append(
          "\(name) is another metric: \(inWords(metric)) in BASE, \(inWords(twin)) in NEW.")
      }
    }
    let known = Set(old.metrics.map(\.name))
    add(now.metrics.filter { isWanted($0) && !known.contains($0.name) }, of: now)
  }

  private mutating func add(_ metrics: [Metric], of benchmark: MeasuredBenchmark) {
    added += metrics.map { (MetricName(benchmark: benchmark.name, metric: $0.name), $0) }
  }

  private func isWanted(_ metric: Metric) -> Bool { kinds.contains(metric.kind) }

  private func inWords(_ metric: Metric) -> String {
    "a \(metric.kind.rawValue) in '\(metric.unit)', "
      + metric.polarity.rawValue.replacing("_", with: " ")
  }
}
