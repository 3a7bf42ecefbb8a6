import Emulator
import Glibc
import Kernels
import Program
import Topology

/// The tables of products and attention, which go by shape.
enum ShapeTables {
  static let rows = [1, 4, 16, 32, 64, 256, 1024]
  static let columns = [8, 32, 64, 128, 256, 1024, 4096]
  static let inner = [8, 32, 128, 512, 2048]
  static let sequences = [32, 64, 128, 256, 512, 1024]
  static let headSizes = [8, 16, 32, 64, 128]
  /// Larger products have the rate of the next smaller inner dimension: they would take too long.
  private static let mostFlops = 1 << 31

  static func matmul(_ kind: MeasuredHost.Kind, _ type: ElementType) -> MeasuredHost.Table {
    GEMM.prepareThread()
    let largest = 1024 * 4096
    let a = Buffer(largest)
    let b = Buffer(2048 * 4096)
    let c = Buffer(largest)
    var rates: [Double] = []
    for m in rows {
      for n in columns {
        for (index, k) in inner.enumerated() {
          guard 2 * m * n * k <= mostFlops || index == 0 else {
            rates.append(rates[rates.count - 1])
            continue
          }
          rates.append(rate(kind, type, m, n, k, a, b, c))
        }
      }
    }
    return MeasuredHost.Table(
      kind: kind, elementType: type.rawValue, axes: [rows, columns, inner], rates: rates)
  }

  private static func rate(
    _ kind: MeasuredHost.Kind, _ type: ElementType, _ m: Int, _ n: Int, _ k: Int, _ a: Buffer,
    _ b: Buffer, _ c: Buffer
  ) -> Double {
    let isGradient = kind == .matmulWeightGradient
    let transposesB = kind == .matmulForward
    let (strideA, strideB) = (isGradient ? m : k, transposesB ? k : n)
    var counters = WorkCounters()
    let flops = Double(2 * m * n * k)
    guard type == .float32 else {
      let product = HalfProduct(
        HalfProductShape(
          rows: m, columns: n, inner: k, transposesA: isGradient, transposesB: transposesB,
          strideA: strideA, strideB: strideB, strideC: n,
          result: isGradient ? .float32 : .bfloat16, accumulates: isGradient), of: .bfloat16)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(1, product.scratchBytes), alignment: 64)
      defer { scratch.deallocate() }
      return flops
        / secondsOfOne(atLeast: 1e-3) {
          product.multiply(
            a.start, b.start, into: c.start, scratch: scratch, counters: &counters)
        }
    }
    return flops
      / secondsOfOne(atLeast: 1e-3) {
        GEMM.multiply(
          MatrixOperand(a.start, stride: strideA, transposed: isGradient),
          MatrixOperand(b.start, stride: strideB, transposed: transposesB),
          into: c.start, stride: n, rows: m, columns: n, inner: k, accumulate: isGradient,
          counters: &counters)
      }
  }

  static func attention(
    _ kind: MeasuredHost.Kind, _ type: ElementType
  ) throws -> MeasuredHost.Table {
    var rates: [Double] = []
    for sequence in sequences {
      for size in headSizes {
        rates.append(try attentionRate(kind, type, sequence: sequence, headSize: size))
      }
    }
    return MeasuredHost.Table(
      kind: kind, elementType: type.rawValue, axes: [sequences, headSizes], rates: rates)
  }

  /// Of 16 heads of one sequence, each a lane's.
  private static func attentionRate(
    _ kind: MeasuredHost.Kind, _ type: ElementType, sequence: Int, headSize: Int
  ) throws -> Double {
    let isForward = kind == .attention
    let shape = Operation.Attention(
      heads: KernelTables.lanes, headSize: headSize, sequence: sequence, serialisation: 1)
    let qkv = KernelProgram.Operand(
      shape: [sequence, 3 * headSize * shape.heads], elementType: type)
    let output = KernelProgram.Operand(
      shape: [sequence, headSize * shape.heads], elementType: type)
    let sums = KernelProgram.Operand(shape: [sequence, shape.heads])
    let flops =
      (isForward ? 2 : 5) * shape.scoreFlops(tokens: sequence) / shape.heads
    return try KernelProgram(
      isForward ? .attention(shape) : .attentionBackward(shape),
      isForward ? [qkv] : [qkv, output, sums, output], isForward ? [output, sums] : [qkv],
      elements: flops, instructions: shape.heads, workingSet: 0, leastElements: 1 << 27
    ).rate()
  }
}

/// Floats beyond a step's, filled so that their pages are there.
final class Buffer {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  init(_ count: Int) {
    self.count = count
    start = .allocate(capacity: count)
    start.initialize(repeating: 0.5, count: count)
  }

  deinit { start.deallocate() }
}

/// CPU seconds of this thread for one call: the median of some batches that take so long each.
func secondsOfOne(atLeast least: Double, _ body: () -> Void) -> Double {
  body()
  var count = 1
  var times: [Double] = []
  while times.count < 3 {
    let start = threadSeconds()
    for _ in 0..<count { body() }
    let elapsed = threadSeconds() - start
    if elapsed >= least || count >= 1 << 20 {
      times.append(elapsed / Double(count))
    } else {
      count = max(2 * count, Int(Double(count) * 1.2 * least / max(elapsed, 1e-7)))
    }
  }
  return max(times.sorted()[1], 1e-10)
}

func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
