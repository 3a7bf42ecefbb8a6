import Glibc
import Regression

/// What two binaries measured in turns, round by round.
struct Turns {
  /// Log ratios of new to old, one of each round, and the times that they come from.
  private var times: [MetricName: PairedTimes] = [:]
  private var samples: [MetricName: (old: [Double], new: [Double])] = [:]
  private(set) var rounds = 0

  /// In the order of their names.
  var paired: [PairedTimes] {
    times.values.sorted { "\($0.name)" < "\($1.name)" }.map { times in
      var times = times
      if let (old, new) = samples[times.name] {
        (times.base, times.new) = (median(old), median(new))
      }
      return times
    }
  }

  /// Starts both binaries anew, the first to start alternating, and lets them take turns at each
  /// of the benchmarks.
  ///
  /// - Throws: `BenchmarkProcessError` of either.
  mutating func addRound(
    of entries: [BenchmarkListing.Entry], old: String, new: String,
    _ settings: BinaryComparison.Settings
  ) throws(BenchmarkProcessError) {
    let startsWithOld = rounds.isMultiple(of: 2)
    let first = try BenchmarkProcess(path: startsWithOld ? old : new)
    let second = try BenchmarkProcess(path: startsWithOld ? new : old)
    for entry in entries {
      let (a, b) = try slices(of: entry, first, second, settings)
      let (old, new) = startsWithOld ? (a, b) : (b, a)
      add(entry.name, "cpu_seconds", old.map(\.cpuSeconds), new.map(\.cpuSeconds))
      if entry.waits { add(entry.name, "seconds", old.map(\.seconds), new.map(\.seconds)) }
    }
    rounds += 1
  }

  /// Slices of both, which of them goes first alternating as well.
  private func slices(
    of entry: BenchmarkListing.Entry, _ first: BenchmarkProcess, _ second: BenchmarkProcess,
    _ settings: BinaryComparison.Settings
  ) throws(BenchmarkProcessError) -> ([MeasuredTime], [MeasuredTime]) {
    let name = entry.name
    let (a, b) = (
      try first.prepare(name, counting: false), try second.prepare(name, counting: false)
    )
    let iteration = max(1e-9, min(a.secondsPerIteration, b.secondsPerIteration))
    let slices = max(2, min(settings.slices, Int(settings.roundSeconds / iteration)))
    let iterations = max(1, Int(settings.roundSeconds / Double(slices) / iteration))
    var results: ([MeasuredTime], [MeasuredTime]) = ([], [])
    for slice in 0..<slices {
      if slice.isMultiple(of: 2) {
        results.0.append(try first.run(name, iterations: iterations))
        results.1.append(try second.run(name, iterations: iterations))
      } else {
        results.1.append(try second.run(name, iterations: iterations))
        results.0.append(try first.run(name, iterations: iterations))
      }
    }
    try first.release(name)
    try second.release(name)
    return results
  }

  private mutating func add(
    _ benchmark: String, _ metric: String, _ old: [Double], _ new: [Double]
  ) {
    let name = MetricName(benchmark: benchmark, metric: metric)
    let ratio = log(undisturbed(new) / undisturbed(old))
    guard ratio.isFinite else { return }
    times[name, default: PairedTimes(name: name, logRatios: [])].logRatios.append(ratio)
    samples[name, default: ([], [])].old += old
    samples[name, default: ([], [])].new += new
  }
}

/// The lower octile: what a slice takes that nothing disturbs.
///
/// The least itself is sometimes a fluke, of a clock that ran faster for a moment.
private func undisturbed(_ slices: [Double]) -> Double {
  slices.sorted()[slices.count / 8]
}
