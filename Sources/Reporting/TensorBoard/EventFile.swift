internal import Glibc

/// Scalars for TensorBoard, in a new file of a run's folder.
///
/// A step is one `write(2)`, so that a run that is killed leaves at most one torn record at the end,
/// which TensorBoard passes over. Nothing is ever changed: a run that goes on adds a file.
package final class EventFile {
  package let path: String
  private let stream: StandardStream
  private let descriptor: Int32

  /// Makes the next file of the folder, which exists.
  ///
  /// A resumed run says at which step it goes on: TensorBoard then leaves out what earlier files say
  /// of that step and later ones. The file's name and first event have the time, since 1970.
  ///
  /// - Throws: `ReportingError` naming the file that cannot be made or written.
  package init(
    folder: String, resumingAt step: Int? = nil, wallSeconds: Double = EventFile.wallSeconds()
  ) throws(ReportingError) {
    (path, descriptor) = try Self.create(folder, Int(wallSeconds))
    stream = StandardStream(descriptor: descriptor, name: path)
    try write(Event(wallSeconds: wallSeconds, what: .version))
    if let step { try write(Event(wallSeconds: wallSeconds, step: step, what: .start)) }
  }

  deinit { close(descriptor) }

  /// Writes the scalars of one step, as float32.
  ///
  /// - Throws: `ReportingError` when the disk is full.
  package func append(
    step: Int, _ scalars: [(tag: String, value: Double)],
    wallSeconds: Double = EventFile.wallSeconds()
  ) throws(ReportingError) {
    try write(Event(wallSeconds: wallSeconds, step: step, what: .scalars(scalars)))
  }

  /// Seconds since 1970.
  package static func wallSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func write(_ event: Event) throws(ReportingError) {
    try stream.write(bytes: event.record)
  }

  /// `events.out.tfevents.SECONDS.HOST.PID.NUMBER`, as TensorBoard's writers call it: it sorts the
  /// files by name, and reads them in that order.
  private static func create(
    _ folder: String, _ seconds: Int
  ) throws(ReportingError) -> (path: String, descriptor: Int32) {
    let digits = String(max(0, seconds))
    let time = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    let stem = "\(folder)/events.out.tfevents.\(time).\(hostName()).\(getpid())"
    for number in 0..<1000 {
      let path = "\(stem).\(number)"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
      if descriptor >= 0 { return (path, descriptor) }
      guard errno == EEXIST else { throw .write(stream: path, code: errno) }
    }
    throw .write(stream: stem, code: EEXIST)
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "host" }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(String(decoding: bytes, as: UTF8.self).map { $0 == "/" ? "-" : $0 })
  }
}
