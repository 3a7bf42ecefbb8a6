/// Google benchmark's JSON, version 1, as its compare.py reads it.
///
/// Every sample is a repetition of its own, so that the tool's U test has something to test. Counts
/// and sizes are user counters.
struct GoogleBenchmarkDocument: Encodable {
  let context: Context
  let benchmarks: [Repetition]

  struct Context: Encodable {
    let date, hostName, executable, libraryVersion, libraryBuildType: String
    let numCpus, mhzPerCpu, jsonSchemaVersion: Int
    let cpuScalingEnabled: Bool
    let caches: [Cache]
    let loadAvg: [Double]
  }

  struct Cache: Encodable {
    let type: String
    let level, size, numSharing: Int
  }

  struct Repetition: Encodable {
    let name: String
    let familyIndex, repetitions, repetitionIndex: Int
    let nanoseconds, cpuNanoseconds: Double
    let counters: [(name: String, value: Double)]

    func encode(to encoder: any Encoder) throws {
      var keys = encoder.container(keyedBy: Key.self)
      // A counter named like a key of the format must not replace it.
      for counter in counters { try keys.encode(counter.value, forKey: Key(counter.name)) }
      for key in ["name", "run_name"] { try keys.encode(name, forKey: Key(key)) }
      try keys.encode("iteration", forKey: Key("run_type"))
      try keys.encode("ns", forKey: Key("time_unit"))
      try keys.encode(familyIndex, forKey: Key("family_index"))
      try keys.encode(0, forKey: Key("per_family_instance_index"))
      try keys.encode(repetitions, forKey: Key("repetitions"))
      try keys.encode(repetitionIndex, forKey: Key("repetition_index"))
      for key in ["iterations", "threads"] { try keys.encode(1, forKey: Key(key)) }
      try keys.encode(nanoseconds, forKey: Key("real_time"))
      try keys.encode(cpuNanoseconds, forKey: Key("cpu_time"))
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  /// Takes the benchmarks that have `seconds`; CPU time is wall-clock time where it is not known.
  init(_ result: BenchmarkResult) {
    context = Context(
      date: result.startedAt, hostName: result.machine.cpu, executable: "gptj-bench",
      libraryVersion: result.tool.version, libraryBuildType: "release",
      numCpus: result.machine.cpus, mhzPerCpu: 0, jsonSchemaVersion: 1,
      cpuScalingEnabled: !["performance", nil].contains(result.machine.governor),
      caches: result.machine.cacheBytes.sorted { $0.key < $1.key }.map(Self.cache),
      loadAvg: [result.machine.loadAverage])
    var repetitions: [Repetition] = []
    for (index, benchmark) in result.benchmarks.enumerated() {
      guard let wall = benchmark.seconds?.samples else { continue }
      let cpu = benchmark.cpuSeconds ?? wall
      let counters = benchmark.metrics.filter { $0.kind != .time }
        .map { (name: $0.name, value: median($0.samples)) }
      for (repetition, seconds) in wall.enumerated() {
        repetitions.append(
          Repetition(
            name: benchmark.name, familyIndex: index, repetitions: wall.count,
            repetitionIndex: repetition, nanoseconds: seconds * 1e9,
            cpuNanoseconds: cpu[repetition] * 1e9, counters: counters))
      }
    }
    benchmarks = repetitions
  }

  /// `L1d` -> data, level 1.
  private static func cache(_ name: String, bytes: Int) -> Cache {
    let kind =
      switch name.last {
      case "d": "Data"
      case "i": "Instruction"
      default: "Unified"
      }
    let level = Int(name.filter { "0"..."9" ~= $0 }) ?? 0
    return Cache(type: kind, level: level, size: bytes, numSharing: 0)
  }
}
