extension Comparison {
  /// Judges a result against a stored one.
  ///
  /// - Throws: `RegressionError.notComparable` where the machines differ and that is not allowed.
  package static func judge(
    base: Baseline, new: BenchmarkResult, thresholds: Thresholds,
    options: ComparisonOptions = .init()
  ) throws(RegressionError) -> Comparison {
    var options = options
    let old: [MeasuredBenchmark]
    var now = new.benchmarks
    var notes: [String] = []
    switch base {
    case .counts(let counts):
      options.countsOnly = true
      old = counts.benchmarks(describedBy: new.benchmarks)
    case .result(let result):
      if !options.countsOnly {
        notes = try machineNotes(result.machine, new.machine, options)
      }
      old = result.benchmarks + result.tool.asBenchmark
      now += new.tool.asBenchmark
    }
    var comparison = judge(base: old, new: now, thresholds: thresholds, options: options)
    comparison.notes = notes + comparison.notes
    if options.countsOnly { comparison.notes.append("Only counts were compared.") }
    return comparison
  }

  private static func machineNotes(
    _ base: MachineIdentity, _ new: MachineIdentity, _ options: ComparisonOptions
  ) throws(RegressionError) -> [String] {
    let differences = base.differences(from: new)
    guard !differences.isEmpty else { return [] }
    let fields = differences.joined(separator: "; ")
    guard options.allowsDifferentMachine else {
      throw .notComparable(
        "the machines differ: \(fields). --counts compares what holds on every machine, "
          + "--allow-different-machine compares times all the same")
    }
    return ["The machines differ: \(fields)."]
  }
}

extension BenchmarkedTool {
  /// The size of the program as a metric like the others; none where it is not known.
  fileprivate var asBenchmark: [MeasuredBenchmark] {
    guard executableBytes > 0 else { return [] }
    return [
      MeasuredBenchmark(
        name: "program", suite: "program", plan: "",
        metrics: [
          Metric(
            name: "executable_bytes", unit: "B", kind: .size, samples: [Double(executableBytes)])
        ])
    ]
  }
}

extension MachineIdentity {
  /// The fields that differ, with both values; the load is no part of what a machine is.
  package func differences(from other: MachineIdentity) -> [String] {
    func field(_ name: String, _ mine: String, _ theirs: String) -> String? {
      mine == theirs ? nil : "\(name) is \(mine) in BASE and \(theirs) in NEW"
    }
    func text(_ caches: [String: Int]) -> String {
      "("
        + caches.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: ", ") + ")"
    }
    return [
      field("cpu", cpu, other.cpu),
      field("instruction_set", instructionSet, other.instructionSet),
      field("cpus", "\(cpus)", "\(other.cpus)"),
      field("cache_bytes", text(cacheBytes), text(other.cacheBytes)),
      field("numa_nodes", "\(numaNodes)", "\(other.numaNodes)"),
      field("memory_bytes", "\(memoryBytes)", "\(other.memoryBytes)"),
      field("kernel", kernel, other.kernel),
      field("governor", governor ?? "unknown", other.governor ?? "unknown"),
    ].compactMap { $0 }
  }
}
