import Benchmarking
import Kernels
import Reporting

/// What `kernels` found out about one kernel.
struct KernelResult: Encodable {
  let name, format, shape: String
  /// Who computed: portable, avx2, avx512, onednn or openblas.
  let path: String
  /// What results were compared with.
  let reference: String
  /// The largest relative errors of results, and of gradients against finite differences.
  let error: Double
  let gradientError: Double?
  let tolerance: Double
  let isRight: Bool
  let secondsPerCall, flopsPerSecond, bytesPerSecond, shareOfPeak: Double?

  init(_ row: KernelRow, _ check: KernelRow.Check, _ speed: KernelRow.Speed?) {
    name = row.name
    format = "\(row.format)"
    shape = row.shape
    path = row.engine == .own ? "\(InstructionSet.current)" : row.engine.rawValue
    reference = check.reference.rawValue
    error = check.error
    gradientError = check.gradientError
    tolerance = check.tolerance
    isRight = check.isRight
    secondsPerCall = speed?.secondsPerCall
    flopsPerSecond = row.bound.isBytes ? nil : speed?.rate
    bytesPerSecond = row.bound.isBytes ? speed?.rate : nil
    shareOfPeak = speed?.shareOfPeak
  }
}

/// The answer of `kernels`.
struct KernelReport: Encodable {
  private let kernels: [KernelResult]
  private let peaks: Peaks?

  /// One thread's.
  private struct Peaks: Encodable {
    let float32FlopsPerSecond, bfloat16FlopsPerSecond: Double
    let readingBytesPerSecond, updatingBytesPerSecond, writingBytesPerSecond: Double?
  }

  init(_ kernels: [KernelResult], _ peaks: KernelPeaks?) {
    self.kernels = kernels
    self.peaks = peaks.map {
      Peaks(
        float32FlopsPerSecond: $0.float32, bfloat16FlopsPerSecond: $0.bfloat16,
        readingBytesPerSecond: $0.bytesPerSecond[.reading],
        updatingBytesPerSecond: $0.bytesPerSecond[.updating],
        writingBytesPerSecond: $0.bytesPerSecond[.writing])
    }
  }

  var areRight: Bool { kernels.allSatisfy(\.isRight) }

  func text(width: Int?) -> String {
    let speeds: [Table.Column] =
      peaks == nil ? [] : [.init("speed", .right), .init("of peak", .right), .init("at")]
    var table = Table(
      [
        .init("kernel"), .init("format"), .init("path"), .init("against"), .init("error", .right),
        .init("gradient", .right),
      ] + speeds)
    for kernel in kernels { table.add(cells(kernel)) }
    return table.text(width: width) + verdict
  }

  private func cells(_ kernel: KernelResult) -> [String] {
    let checks = [
      kernel.name, kernel.format, kernel.path, kernel.reference,
      (kernel.isRight ? "" : "WRONG ") + Format.scientific(kernel.error),
      kernel.gradientError.map { Format.scientific($0) } ?? "",
    ]
    guard let share = kernel.shareOfPeak else { return checks }
    let speed =
      kernel.flopsPerSecond.map { Format.si($0, "FLOP/s") }
      ?? Format.si(kernel.bytesPerSecond ?? 0, "B/s")
    return checks + [speed, Format.percent(share), kernel.shape]
  }

  private var verdict: String {
    let wrong = kernels.count { !$0.isRight }
    let outcome =
      wrong == 0
      ? "all \(kernels.count) kernels are right\n"
      : "\(wrong) of \(kernels.count) kernels are outside their tolerance\n"
    guard let peaks else { return outcome }
    func bytes(_ value: Double?, _ what: String) -> String {
      "\(Format.si(value ?? 0, "B/s")) \(what)"
    }
    return outcome + "one thread's peaks: \(Format.si(peaks.float32FlopsPerSecond, "FLOP/s")) in "
      + "float32, \(Format.si(peaks.bfloat16FlopsPerSecond, "FLOP/s")) in bfloat16, "
      + bytes(peaks.readingBytesPerSecond, "reading, ")
      + bytes(peaks.updatingBytesPerSecond, "updating, ")
      + bytes(peaks.writingBytesPerSecond, "writing\n")
  }
}
