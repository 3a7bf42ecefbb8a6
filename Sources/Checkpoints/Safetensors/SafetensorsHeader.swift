/// The table of contents of a safetensors file: where which tensor lies.
///
/// At least as strict as the reference (safetensors 0.8.0, `SafeTensors::read_metadata`), and
/// stricter where that one is silent: no repeated key, no field beside the three, `{` at once.
struct SafetensorsHeader: Equatable {
  struct Tensor: Equatable {
    var type: ElementType
    var shape: [Int]
    /// Bytes from the start of the data, which begins behind the header.
    var range: Range<Int>
  }

  var tensors: [String: Tensor] = [:]
  var metadata: [String: String] = [:]

  /// Reads the JSON and checks it against the `dataByteCount` bytes that follow it.
  init(json: [UInt8], dataByteCount: Int, file: String) throws(CheckpointError) {
    var scanner = HeaderScanner(json, startingAt: 8, file: file)
    guard json.first == UInt8(ascii: "{") else { throw scanner.failure("{") }
    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]
    try scanner.object { scanner, name throws(CheckpointError) in
      if name == "__metadata__" {
        try scanner.object { scanner, key throws(CheckpointError) in
          metadata[key] = try scanner.string()
        }
      } else {
        tensors[name] = try Self.tensor(name, &scanner, file: file)
      }
    }
    try scanner.end()
    self.tensors = tensors
    self.metadata = metadata
    try checkTiling(of: dataByteCount, file: file)
  }

  /// Reads `{"dtype": ..., "shape": [...], "data_offsets": [begin, end]}`, in any order.
  private static func tensor(
    _ name: String, _ scanner: inout HeaderScanner, file: String
  ) throws(CheckpointError) -> Tensor {
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { scanner, key throws(CheckpointError) in
      switch key {
      case "dtype": dtype = try scanner.string()
      case "shape": shape = try scanner.counts()
      case "data_offsets": offsets = try scanner.counts()
      default: throw scanner.failure("dtype, shape or data_offsets, not \(quoted(key))")
      }
    }
    func wrong(_ expected: String) -> CheckpointError {
      .malformedTensor(file: file, tensor: name, expected: expected)
    }
    guard let dtype, let shape, let offsets else {
      throw wrong("a dtype, a shape and data_offsets")
    }
    guard let type = ElementType(rawValue: dtype) else {
      let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw wrong("a dtype of \(known), found \(quoted(dtype))")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw wrong("data_offsets [begin, end] with begin <= end, found \(brief(offsets))")
    }
    let range = offsets[0]..<offsets[1]
    guard let size = byteCount(of: shape, type), size == range.count else {
      throw wrong("as many bytes as \(dtype) of shape \(brief(shape)) has, found \(range.count)")
    }
    return Tensor(type: type, shape: shape, range: range)
  }

  /// Tensors must cover the data without a hole, an overlap or a rest.
  private func checkTiling(of dataByteCount: Int, file: String) throws(CheckpointError) {
    let inOrder = tensors.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }
    var end = 0
    for (name, tensor) in inOrder {
      guard tensor.range.lowerBound == end else {
        throw .malformedTensor(
          file: file, tensor: name,
          expected: "to begin at \(end), where the one before ends, not \(tensor.range.lowerBound)")
      }
      end = tensor.range.upperBound
    }
    guard end == dataByteCount else {
      throw .malformedHeader(
        file: file, byte: 8, expected: "tensors of all \(dataByteCount) data bytes, found \(end)")
    }
  }
}

/// The element types of the format that are whole bytes, with its own names.
enum ElementType: String, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case float8E8M0 = "F8_E8M0"
  case float8E5M2FNUZ = "F8_E5M2FNUZ"
  case float8E4M3FNUZ = "F8_E4M3FNUZ"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case complex64 = "C64"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"

  var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E5M2FNUZ,
      .float8E4M3FNUZ:
      1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .complex64, .uint64, .int64, .float64: 8
    }
  }
}
