import Glibc

/// A file of named tensors, opened and checked; tensors are read when they are asked for.
protocol TensorFile: Sendable {
  var path: String { get }

  /// In the order of their UTF-8 bytes.
  var names: [String] { get }

  func shape(of name: String) throws(CheckpointError) -> [Int]

  /// The elements in row-major order, of a tensor of 32-bit or half floats, which are widened.
  func floats(of name: String) throws(CheckpointError) -> [Float]
}

extension ElementType {
  /// Reads `count` elements with `read`, which fills the bytes it gets, and widens them to float32.
  ///
  /// Nil without a read for a type that is neither F32, F16 nor BF16. Holds half floats twice.
  func floats(
    count: Int, read: (UnsafeMutableRawBufferPointer) throws(CheckpointError) -> Void
  ) throws(CheckpointError) -> [Float]? {
    switch self {
    case .float32:
      return try filled(count, by: read)
    case .float16:
      let bits: [UInt16] = try filled(count, by: read)
      return bits.map { Float(Float16(bitPattern: $0)) }
    case .bfloat16:
      let bits: [UInt16] = try filled(count, by: read)
      return bits.map { Float(bitPattern: UInt32($0) << 16) }
    default: return nil
    }
  }
}

/// An array of `count` elements whose bytes `read` fills.
func filled<Element: BitwiseCopyable>(
  _ count: Int, by read: (UnsafeMutableRawBufferPointer) throws(CheckpointError) -> Void
) throws(CheckpointError) -> [Element] {
  var failure: CheckpointError?
  let elements = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
    let bytes = UnsafeMutableRawBufferPointer(
      start: buffer.baseAddress, count: count * MemoryLayout<Element>.size)
    do throws(CheckpointError) {
      try read(bytes)
      initialized = count
    } catch { failure = error }
  }
  if let failure { throw failure }
  return elements
}

/// The bytes of a shape; nil beyond `Int`.
func byteCount(of shape: [Int], _ type: ElementType) -> Int? {
  var product = type.byteCount
  for extent in shape {
    let (value, overflow) = product.multipliedReportingOverflow(by: extent)
    if overflow { return nil }
    product = value
  }
  return product
}

/// A file with holes can be larger than the memory, where an array would end the program.
func checkMemory(
  for byteCount: Int, times factor: Int, file: String
) throws(CheckpointError) {
  let memory = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
  guard byteCount <= memory / factor else {
    throw .system(
      file: file, operation: "read",
      reason: "the tensor takes \(byteCount) bytes x \(factor), the machine has \(memory)")
  }
}
