/// One TensorBoard event: what happened, at which step, when.
///
/// Written as `event.proto` and `summary.proto` of TensorBoard define it; the field numbers here are
/// theirs.
struct Event {
  enum What {
    /// The first event of every file.
    case version
    /// A run that starts, or goes on, at the event's step: what came later before does not count.
    case start
    case scalars([(tag: String, value: Double)])
  }

  var wallSeconds: Double
  var step = 0
  var what: What

  /// The event as one TFRecord: length, its checksum, payload, its checksum, all little-endian.
  var record: [UInt8] {
    let payload = message.bytes
    let length = littleEndian(UInt64(payload.count))
    return length + littleEndian(CRC32C.masked(length)) + payload
      + littleEndian(CRC32C.masked(payload))
  }

  private var message: ProtocolBuffer {
    var event = ProtocolBuffer()
    event.add(1, wallSeconds)
    event.add(2, step)
    switch what {
    case .version: event.add(3, "brain.Event:2")
    case .start:
      var log = ProtocolBuffer()
      log.add(1, 1)
      event.add(7, log)
    case .scalars(let scalars): event.add(5, summary(scalars))
    }
    return event
  }

  private func summary(_ scalars: [(tag: String, value: Double)]) -> ProtocolBuffer {
    var summary = ProtocolBuffer()
    for scalar in scalars {
      var value = ProtocolBuffer()
      value.add(1, scalar.tag)
      value.add(2, Float(scalar.value))
      summary.add(1, value)
    }
    return summary
  }
}

/// A message of Protocol Buffers: fields one after the other, each after its number and wire type.
private struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ value: Int) {
    tag(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ value: Double) {
    tag(field, wireType: 1)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Float) {
    tag(field, wireType: 5)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: ProtocolBuffer) { add(field, bytes: message.bytes) }

  private mutating func add(_ field: Int, bytes value: [UInt8]) {
    tag(field, wireType: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  private mutating func tag(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
