import CProcess
import Glibc
import Regression

extension Benchmark {
  /// Builds what iterations need, warms up and counts; without `counting` it only warms up.
  ///
  /// Counting costs five iterations: two to warm up, and three of which each figure is the least, since a
  /// library may still set itself up.
  ///
  /// - Throws: What the benchmark's own code throws.
  func prepared(
    planting faults: [Fault] = [], counting: Bool = true
  ) throws -> (Workload, PreparedBenchmark) {
    guard counting else { return try warmedUp(planting: faults) }
    let memory = PeakMemory()
    let instructions = InstructionCounter()
    let workload = try prepare().planting(faults)
    for _ in 0..<2 { try workload.iterate() }
    let iteration = try counted(workload, instructions)
    var metrics = workload.counts()
    if let allocations = iteration.allocations {
      metrics.append(Counts.metric("heap_allocations", Int(allocations.calls), "allocations"))
      metrics.append(Counts.metric("heap_bytes", Int(allocations.bytes), "B"))
      metrics.append(
        Metric(
          name: "library_allocations", unit: "allocations", kind: .size,
          samples: [Double(allocations.library_calls)]))
    }
    if let retired = iteration.instructions {
      metrics.append(
        Metric(
          name: "instructions", unit: "instructions", kind: .size, samples: [Double(retired)]))
    }
    if let bytes = memory.growth {
      metrics.append(
        Metric(name: "peak_memory_bytes", unit: "B", kind: .size, samples: [Double(bytes)]))
    }
    return (
      workload, PreparedBenchmark(counts: metrics, secondsPerIteration: iteration.seconds)
    )
  }

  private func warmedUp(planting faults: [Fault]) throws -> (Workload, PreparedBenchmark) {
    let workload = try prepare().planting(faults)
    // The first may set up a library.
    try workload.iterate()
    let start = seconds()
    try workload.iterate()
    return (workload, PreparedBenchmark(counts: [], secondsPerIteration: seconds() - start))
  }

  /// The least that one iteration took.
  private struct Least {
    var seconds = Double.infinity
    var allocations: pc_allocations?
    var instructions: UInt64?

    mutating func take(_ counted: pc_allocations) {
      guard let allocations else { return self.allocations = counted }
      if (counted.calls, counted.bytes) < (allocations.calls, allocations.bytes) {
        self.allocations = counted
      }
    }
  }

  private func counted(_ workload: Workload, _ counter: InstructionCounter?) throws -> Least {
    var least = Least()
    for _ in 0..<3 {
      let before = counter?.value
      let start = seconds()
      pc_start_counting_allocations()
      let outcome = Result { try workload.iterate() }
      let allocations = pc_stop_counting_allocations()
      least.seconds = min(least.seconds, seconds() - start)
      try outcome.get()
      if pc_counts_allocations() != 0 { least.take(allocations) }
      if let before, let after = counter?.value {
        least.instructions = min(least.instructions ?? .max, after - before)
      }
    }
    return least
  }
}

/// Instructions in user mode, of this thread and those that it starts; nil where nobody counts them.
private final class InstructionCounter {
  private let descriptor: Int32

  init?() {
    descriptor = pc_open_instruction_counter()
    guard descriptor >= 0 else { return nil }
  }

  var value: UInt64? {
    var value: UInt64 = 0
    return pc_read_instructions(descriptor, &value) == 0 ? value : nil
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}

/// How far resident memory has risen at most since a moment.
private struct PeakMemory {
  private let start: Int?
  private let files = SystemFiles()

  /// Gives freed memory back first, so that what an earlier benchmark left does not hide a rise.
  init() {
    pc_trim_heap()
    // Sets the peak to what is resident now (proc(5), clear_refs).
    let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    let isReset = descriptor >= 0 && write(descriptor, "5", 1) == 1
    if descriptor >= 0 { close(descriptor) }
    start = isReset ? Self.bytes("VmRSS", files) : nil
  }

  var growth: Int? {
    guard let start, let peak = Self.bytes("VmHWM", files) else { return nil }
    return max(0, peak - start)
  }

  private static func bytes(_ key: String, _ files: SystemFiles) -> Int? {
    files.values(of: key, in: "/proc/self/status").first
      .flatMap { Int($0.prefix { $0.isNumber }) }.map { $0 * 1024 }
  }
}
