import Glibc

/// Writes float tensors as a safetensors file, byte for byte as the reference library does.
package enum SafetensorsWriter {
  /// Writes F32 tensors, sorted by name; the file appears at `path` whole or not at all.
  ///
  /// `values` are in row-major order, as many as `shape` says; names differ. The file is written
  /// beside `path`, brought to the disk and renamed, so that a reader or a crash never meets half
  /// of it; `path` keeps what it had when anything fails.
  package static func write(
    _ tensors: [(name: String, shape: [Int], values: [Float])], to path: String
  ) throws(CheckpointError) {
    let sorted = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    check(sorted)
    let partial = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
    do throws(CheckpointError) {
      let file = try FileDescriptor(path: partial, flags: O_WRONLY | O_CREAT | O_EXCL)
      try write(header(of: sorted), to: file)
      for tensor in sorted { try write(tensor.values, to: file) }
      try file.synchronize()
      if rename(partial, path) != 0 { throw systemFailure(file: path, operation: "replace") }
    } catch {
      unlink(partial)
      throw error
    }
    // The new name is an entry of the folder: it too must reach the disk.
    let end = path.lastIndex(of: "/")
    let folder = end.map { String(path[...$0]) } ?? "."
    try FileDescriptor(path: folder, flags: O_RDONLY | O_DIRECTORY).synchronize()
  }

  private static func check(_ tensors: [(name: String, shape: [Int], values: [Float])]) {
    for (tensor, next) in zip(tensors, tensors.dropFirst()) {
      precondition(tensor.name != next.name, "two tensors are called \(tensor.name)")
    }
    for tensor in tensors {
      precondition(tensor.name != "__metadata__", "the format keeps this name for itself")
      precondition(
        tensor.shape.reduce(1, *) == tensor.values.count,
        "\(tensor.name): shape \(tensor.shape) for \(tensor.values.count) values")
    }
  }

  /// The length, the JSON and the spaces that put the data on a multiple of 8.
  private static func header(
    of tensors: [(name: String, shape: [Int], values: [Float])]
  ) -> [UInt8] {
    var offset = 0
    // transformers 4.25 crashes on a file whose metadata lack the format.
    var members = [#""__metadata__":{"format":"pt"}"#]
    for tensor in tensors {
      let end = offset + tensor.values.count * MemoryLayout<Float>.size
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(quotedJSON(tensor.name)):"
          + #"{"dtype":"F32","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
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
