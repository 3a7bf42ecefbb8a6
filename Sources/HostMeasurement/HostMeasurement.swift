import Emulator
import Glibc
import Kernels
import Program
package import Topology

/// Measures this machine: what `topology measure` writes down.
///
/// Kernels are timed in CPU time of their thread, waits and bandwidths by the wall clock. Takes
/// a minute on an idle core.
package struct HostMeasurement {
  /// Where a scratch file may be written, nil for no disk rate.
  package var diskFolder: String?
  /// What stands in the file as the harness' version.
  package var version: String
  /// Called with each part's name, and which of how many it is, before it is measured.
  package var progress: (_ part: String, _ number: Int, _ of: Int) -> Void

  package init(
    version: String, diskFolder: String? = nil,
    progress: @escaping (_ part: String, _ number: Int, _ of: Int) -> Void = { _, _, _ in }
  ) {
    self.diskFolder = diskFolder
    self.version = version
    self.progress = progress
  }

  /// - Throws: `TopologyError` or `EmulatorError` where the host refuses, `DiskRate.Failure`.
  package func run() throws -> MeasuredHost {
    let topology = try HostTopology.detect()
    let cores = topology.allowedCoreCount
    let parts = MeasuredHost.Kind.allCases.flatMap { kind in
      kind.elementTypes.compactMap(ElementType.init).map { (kind: kind, type: $0) }
    }
    progress("peaks", 0, parts.count + 1)
    let one = try Self.memoryBytesPerSecond(workers: 1)
    var host = MeasuredHost(
      name: topology.cpuModel, measured: Self.now(),
      version: "\(version), \(InstructionSet.current)", cores: cores,
      numaNodes: max(1, topology.numaNodes.count), memoryBytes: topology.memoryBytes,
      peakFlopsPerSecond: Self.rounded(try Self.peak(workers: 1)),
      peakFlopsPerSecondOfAllCores: Self.rounded(try Self.peak(workers: cores)),
      memoryBytesPerSecond: Self.rounded(one),
      memoryBytesPerSecondOfAllCores: Self.rounded(
        cores > 1 ? try Self.memoryBytesPerSecond(workers: cores) : one),
      barrierSeconds: Self.rounded(cores > 1 ? try Self.barrierSeconds(workers: cores) : 0),
      instructionSeconds: Self.rounded(try Self.instructionSeconds()),
      disk: try diskFolder.map { try DiskRate.measure(in: $0) }, tables: [])
    for (index, part) in parts.enumerated() {
      progress("\(part.kind.rawValue) \(part.type.rawValue)", index + 1, parts.count + 1)
      var table = try Self.table(part.kind, part.type)
      table.rates = table.rates.map(Self.rounded)
      host.tables.append(table)
    }
    return host
  }

  private static func table(
    _ kind: MeasuredHost.Kind, _ type: ElementType
  ) throws -> MeasuredHost.Table {
    switch kind {
    case .matmulForward, .matmulInputGradient, .matmulWeightGradient:
      ShapeTables.matmul(kind, type)
    case .attention, .attentionBackward: try ShapeTables.attention(kind, type)
    case .allReduce: try KernelTables.allReduce(type)
    default: try KernelTables.table(kind, type)
    }
  }

  /// A tiny Program on so many workers, for what only the workers are asked.
  private static func emulator(workers: Int) throws -> Emulator {
    let tiny = KernelProgram(
      .zero, [], [.init(shape: [KernelTables.lanes])], elements: 1,
      instructions: KernelTables.lanes, workingSet: 0, leastElements: 1 << 16)
    return try Emulator(tiny.program, Emulator.Options(workers: workers))
  }

  private static func peak(workers: Int) throws -> Double {
    try emulator(workers: workers).measurePeak(seconds: 0.3)
  }

  /// An instruction that sets one element.
  private static func instructionSeconds() throws -> Double {
    let emulator = try emulator(workers: 1)
    emulator.execute()
    let times = (0..<5).map { _ in emulator.run().criticalCPUSeconds }.sorted()
    return times[2] / Double(emulator.instructionCount)
  }

  /// Sums of two floats an element, beyond the caches: the best of some runs.
  private static func memoryBytesPerSecond(workers: Int) throws -> Double {
    let sum = KernelProgram(
      .add, Array(repeating: .init(shape: [1 << 14, 256]), count: 2),
      [.init(shape: [1 << 14, 256])], elements: 1 << 18, instructions: KernelTables.lanes,
      workingSet: 1 << 27, leastElements: 1)
    let emulator = try sum.emulator(workers: workers)
    let best = (0..<7).map { _ in emulator.run().seconds }.min() ?? 1
    return Double(12 * sum.elements * sum.instructions) / best
  }

  /// What two operations take beside their arithmetic, each of which waits for the other.
  private static func barrierSeconds(workers: Int) throws -> Double {
    let builder = ProgramBuilder(name: "waits", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
    let x = builder.temporary("x", [KernelTables.lanes, 16], .float32, differsOver: [])
    let y = builder.temporary("y", [KernelTables.lanes, 16], .float32, differsOver: [])
    let sum = builder.temporary("sum", [16], .float32, differsOver: [])
    builder.phase("waits") {
      builder.loop("turn", count: 500) { _ in
        builder.emit(.copy, [x], into: [y])
        builder.emit(.biasGradient, [y], into: [sum])
      }
    }
    let emulator = try Emulator(builder.build(), Emulator.Options(workers: workers))
    emulator.execute()
    let times = (0..<15).map { _ in
      let run = emulator.run()
      return max(0, run.seconds - run.criticalCPUSeconds) / Double(max(1, run.waits))
    }.sorted()
    return times[times.count / 4]
  }

  /// Four digits: more are not repeatable.
  static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let digits = 3 - Int(log10(value).rounded(.down))
    let scale = pow(10, Double(abs(digits)))
    return digits < 0 ? (value / scale).rounded() * scale : (value * scale).rounded() / scale
  }

  private static func now() -> String {
    var (seconds, parts) = (time(nil), tm())
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }
}
