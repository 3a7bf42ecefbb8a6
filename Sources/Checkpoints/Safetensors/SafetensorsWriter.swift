import Glibc

/// Writes float tensors as a safetensors file, byte for byte as the reference library does.
package enum SafetensorsWriter {
  /// Writes float tensors, sorted by name; the file appears at `path` whole or not at all.
  ///
  /// The file is written beside `path`, brought to the disk and renamed, so that a reader or a crash
  /// never meets half of it; `path` keeps what it had when anything fails. Holds one tensor at a time.
  ///
  /// `values` gives a tensor's elements, row-major, as many as its shape says.
  ///
  /// - Returns: The CRC-32 of each tensor's bytes.
  /// - Throws: `CheckpointError` when the disk refuses, or naming a tensor that `type` cannot hold.
  @discardableResult
  package static func write(
    _ tensors: [TensorShape], as type: FloatType = .float32, to path: String,
    values: (_ name: String) throws(CheckpointError) -> [Float]
  ) throws(CheckpointError) -> [String: UInt32] {
    let sorted = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    check(sorted)
    var checksums: [String: UInt32] = [:]
    let partial = partialName(path)
    do throws(CheckpointError) {
      let file = try FileDescriptor(path: partial, flags: O_WRONLY | O_CREAT | O_EXCL)
      try write(header(of: sorted, type), to: file)
      for tensor in sorted {
        let values = try values(tensor.name)
        precondition(
          tensor.count == values.count,
          "\(tensor.name): shape \(tensor.shape) for \(values.count) values")
        guard values.allSatisfy({ abs($0) <= type.limit || !$0.isFinite }) else {
          throw .malformedTensor(
            file: path, tensor: tensor.name, expected: "numbers that \(type.rawValue) holds")
        }
        checksums[tensor.name] =
          type == .float32
          ? try append(values, to: file) : try append(values.map(type.bits), to: file)
      }
      try file.synchronize()
      if rename(partial, path) != 0 { throw systemFailure(file: path, operation: "replace") }
    } catch {
      unlink(partial)
      throw error
    }
    try synchronizeParent(of: path)
    return checksums
  }

  private static func check(_ tensors: [TensorShape]) {
    for (tensor, next) in zip(tensors, tensors.dropFirst()) {
      precondition(tensor.name != next.name, "two tensors are called \(tensor.name)")
    }
    for tensor in tensors {
      precondition(tensor.name != "__metadata__", "the format keeps this name for itself")
    }
  }

  /// The length, the JSON and the spaces that put the data on a multiple of 8.
  private static func header(of tensors: [TensorShape], _ type: FloatType) -> [UInt8] {
    var offset = 0
    // transformers 4.25 crashes on a file whose metadata lack the format.
    var members = [#""__metadata__":{"format":"pt"}"#]
    for tensor in tensors {
      let end = offset + tensor.count * type.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(quotedJSON(tensor.name)):"
          + #"{"dtype":"\#(type.code)","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
  }

  /// - Returns: The checksum of what was written.
  private static func append(
    _ elements: [some BitwiseCopyable], to file: FileDescriptor
  ) throws(CheckpointError) -> UInt32 {
    try write(elements, to: file)
    return checksum(of: elements)
  }

  private static func write(
    _ elements: [some BitwiseCopyable], to file: FileDescriptor
  ) throws(CheckpointError) {
    let result = elements.withUnsafeBytes { bytes in
      Result { () throws(CheckpointError) in try file.write(bytes) }
    }
    try result.get()
  }
}

/// A JSON string with the escapes that the reference library (serde_json) writes, and no more.
func quotedJSON(_ string: String) -> String {
  let escaped = string.unicodeScalars.map { scalar in
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\u{8}": "\\b"
    case "\u{C}": "\\f"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case ..<" ":
      "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }
  return "\"\(escaped.joined())\""
}
