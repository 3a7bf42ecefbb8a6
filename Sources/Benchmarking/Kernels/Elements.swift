import Kernels

/// An operand whose elements are stored in either format.
final class Elements {
  let count: Int
  let format: ElementFormat
  private let floats: Buffer<Float>
  private let halves: Buffer<UInt16>

  /// Numbers from -1 to 1, in bfloat16 cut to what it can hold.
  init(noise count: Int, seed: Int = 1, _ format: ElementFormat) {
    self.count = count
    self.format = format
    floats = Buffer(format == .float32 ? count : 0) { noiseValue($0, seed: seed) }
    halves = Buffer(format == .bfloat16 ? count : 0) {
      UInt16(noiseValue($0, seed: seed).bitPattern >> 16)
    }
  }

  init(zeros count: Int, _ format: ElementFormat) {
    self.count = count
    self.format = format
    floats = Buffer(format == .float32 ? count : 0) { _ in 0 }
    halves = Buffer(format == .bfloat16 ? count : 0) { _ in 0 }
  }

  var start: UnsafeMutableRawPointer {
    format == .float32
      ? UnsafeMutableRawPointer(floats.start) : UnsafeMutableRawPointer(halves.start)
  }

  var bytes: Int { count * format.bytes }

  var values: [Float] {
    format == .float32
      ? floats.values : halves.values.map { Float(bitPattern: UInt32($0) << 16) }
  }

  var doubles: [Double] { values.map(Double.init) }
}

extension Buffer {
  var values: [Element] { Array(UnsafeBufferPointer(start: start, count: count)) }
}
