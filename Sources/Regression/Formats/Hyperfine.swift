/// hyperfine's `--export-json`: one result for each benchmark that has `seconds`.
struct HyperfineDocument: Encodable {
  let results: [Result]

  struct Result: Encodable {
    let command: String
    let mean: Double
    /// Of a sample, as hyperfine has it; nil of a single one.
    let stddev: Double?
    let median, user, system, min, max: Double
    let times: [Double]
    let exitCodes: [Int]
  }

  init(_ result: BenchmarkResult) {
    results = result.benchmarks.compactMap { benchmark in
      guard let times = benchmark.seconds?.samples else { return nil }
      let sorted = times.sorted()
      // CPU time is not told apart here: all of it is the user's.
      let cpu = benchmark.cpuSeconds ?? []
      return Result(
        command: benchmark.name, mean: mean(times), stddev: deviation(times),
        median: percentile(0.5, ofSorted: sorted), user: cpu.isEmpty ? 0 : mean(cpu), system: 0,
        min: sorted[0], max: sorted[sorted.count - 1], times: times,
        exitCodes: times.map { _ in 0 })
    }
  }
}

private func mean(_ values: [Double]) -> Double {
  values.reduce(0, +) / Double(values.count)
}

private func deviation(_ values: [Double]) -> Double? {
  guard values.count > 1 else { return nil }
  let center = mean(values)
  let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
  return (squares / Double(values.count - 1)).squareRoot()
}
