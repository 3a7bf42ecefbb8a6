package import Regression

/// Two binaries that take turns on one machine, so that both meet the same load and the same clock.
///
/// Two processes of one binary differ by some percent for as long as they live: where their pages
/// lie decides it. So every round starts both anew, and gives one ratio for each benchmark, from
/// short slices in which the binaries alternate. What is judged is how the rounds' ratios scatter.
package struct BinaryComparison: Sendable {
  package let old, new: String
  package var settings: Settings
  package var thresholds: Thresholds

  package struct Settings: Sendable {
    /// Of the whole comparison, counts and confirmation included.
    package var timeLimitSeconds: Double
    /// Of either binary at one benchmark in one round, in at most so many slices, at least two; a
    /// slice is one iteration or more.
    package var roundSeconds = 0.006
    package var slices = 16
    /// Rounds after which times are judged; the last is the most that there are.
    package var looks = [12, 18, 26, 40, 64, 100]
    /// The chance of any wrong interval in the first rounds, and again in those that confirm: a red
    /// verdict needs both.
    package var error = 0.1
    /// Of the time limit, for the first rounds; the rest confirms what they found.
    package var firstShare = 0.75

    package init(timeLimitSeconds: Double) { self.timeLimitSeconds = timeLimitSeconds }
  }

  /// Where a comparison is.
  package struct Progress: Sendable {
    package var isConfirming: Bool
    package var rounds: Int
    /// Benchmarks that take part in the next round.
    package var open: Int
  }

  package init(old: String, new: String, thresholds: Thresholds, settings: Settings) {
    self.old = old
    self.new = new
    self.thresholds = thresholds
    self.settings = settings
  }

  /// Compares those benchmarks of the old binary that `select` keeps.
  ///
  /// Counts come first: where they regress, no time is measured. A slower time counts only where
  /// rounds of their own confirm it.
  ///
  /// - Throws: `BenchmarkProcessError` of a binary that cannot be started, crashes or hangs; what
  ///   `select` throws.
  package func compare(
    select: ([BenchmarkListing.Entry]) throws -> [BenchmarkListing.Entry],
    progress: (Progress) -> Void = { _ in }
  ) throws -> Comparison {
    let deadline = seconds() + settings.timeLimitSeconds
    let entries = try select(BenchmarkProcess(path: old).list().benchmarks)
    let known = try BenchmarkProcess(path: new).list().benchmarks
    let names = Set(known.map(\.name))
    let common = entries.filter { names.contains($0.name) }
    let before = try counts(of: entries, in: old)
    let after = try counts(of: common, in: new)
    let counted = judge(before, after, [])
    guard counted.outcome != .regression, !common.isEmpty else {
      var counted = counted
      counted.notes.append("Counts decided; no time was measured.")
      return counted
    }
    let pause = deadline - (1 - settings.firstShare) * settings.timeLimitSeconds
    let first = try rounds(of: common, until: deadline, leavingTimeAt: pause) {
      progress(Progress(isConfirming: false, rounds: $0, open: $1))
    }
    let comparison = judge(before, after, first.paired)
    let suspects = Set(comparison.unconfirmed.map(\.benchmark))
    guard !suspects.isEmpty else { return comparison }
    let second = try rounds(of: common.filter { suspects.contains($0.name) }, until: deadline) {
      progress(Progress(isConfirming: true, rounds: $0, open: $1))
    }
    return comparison.confirmed(by: judge(second.paired))
  }

  /// Rounds of the benchmarks until each is decided or the time is over; where there is something
  /// to confirm, only until `pause`.
  private func rounds(
    of entries: [BenchmarkListing.Entry], until deadline: Double,
    leavingTimeAt pause: Double? = nil,
    _ progress: (Int, Int) -> Void
  ) throws(BenchmarkProcessError) -> Turns {
    var turns = Turns()
    var open = entries
    var pause = pause
    while !open.isEmpty, turns.rounds < settings.looks.last ?? 0 {
      progress(turns.rounds, open.count)
      let start = seconds()
      try turns.addRound(of: open, old: old, new: new, settings)
      let end = seconds()
      if end + (end - start) > deadline { break }
      if let time = pause, end > time {
        if !judge(turns.paired).unconfirmed.isEmpty { break }
        pause = nil
      }
      if settings.looks.contains(turns.rounds) {
        let undecided = Set(judge(turns.paired).undecided.map(\.benchmark))
        open = open.filter { undecided.contains($0.name) }
      }
    }
    return turns
  }

  private func judge(_ paired: [PairedTimes]) -> Comparison {
    Comparison.judge(paired: paired, thresholds: thresholds, options: options)
  }

  private func judge(
    _ before: [MeasuredBenchmark], _ after: [MeasuredBenchmark], _ paired: [PairedTimes]
  ) -> Comparison {
    Comparison.judge(
      base: before, new: after, paired: paired, thresholds: thresholds, options: options)
  }

  private var options: ComparisonOptions {
    var options = ComparisonOptions()
    // And the one before the pause.
    options.looks = settings.looks.count + 1
    options.error = settings.error
    return options
  }

  /// Each in a process of its own, as a stored result has them.
  private func counts(
    of entries: [BenchmarkListing.Entry], in path: String
  ) throws(BenchmarkProcessError) -> [MeasuredBenchmark] {
    var measured: [MeasuredBenchmark] = []
    for entry in entries {
      let prepared = try BenchmarkProcess(path: path).prepare(entry.name)
      measured.append(
        MeasuredBenchmark(
          name: entry.name, suite: entry.suite, plan: entry.plan, metrics: prepared.counts))
    }
    return measured
  }
}
