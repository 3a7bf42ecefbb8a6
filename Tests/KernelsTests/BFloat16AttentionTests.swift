import Glibc
import Kernels
import Testing

/// To the nearest, ties to even; finite numbers, and the usual no-number.
private func rounded(_ x: Float) -> UInt16 {
  UInt16((x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) >> 16)
}

private func widened(_ x: [UInt16]) -> [Float] {
  x.map { Float(bitPattern: UInt32($0) << 16) }
}

extension KernelsTests {
  /// Attention of bfloat16 on every path: those that widen, and the one that multiplies as it is.
  @Suite struct BFloat16AttentionTests {
    /// Tails of queries, of keys visited at a time (64), of sixteens and of pairs of columns.
    static let shapes = [
      (1, 1, 2), (31, 2, 8), (33, 1, 16), (64, 1, 32), (70, 2, 7), (45, 3, 17), (50, 1, 33),
      (97, 2, 80),
      (130, 1, 64), (161, 1, 48), (40, 1, 256),
    ].map { Attention(sequence: $0.0, heads: $0.1, headDim: $0.2) }

    @Test(arguments: shapes, [false, true])
    func
      `every path is right to bfloat16, and narrowed operands cost three quarters of the error again`(
        shape: Attention, dropsOut: Bool
      )
    {
      let input = Input(shape, dropsOut: dropsOut)
      let want = input.reference()
      let portable = input.run(.portable)
      for path in InstructionSet.available {
        let got = input.run(path)
        #expect(worst(got.logSumExp, want.logSumExp) < 2e-6, "\(path)")
        // Half a unit in the last of 8 places is 3.9e-3 at most, 1.6e-3 in the mean.
        let errors = [
          (error(got.output, want.output), error(portable.output, want.output)),
          (error(got.dqkv, want.dqkv), error(portable.dqkv, want.dqkv)),
        ]
        for (error, portable) in errors {
          #expect(error < 4e-3 && error <= 1.75 * portable + 1e-6, "\(path)")
        }
        #expect(worst(widened(got.output), doubles(widened(portable.output))) < 8e-3, "\(path)")
        #expect(worst(widened(got.dqkv), doubles(widened(portable.dqkv))) < 8e-3, "\(path)")
        #expect(got.forward == portable.forward && got.backward == portable.backward, "\(path)")
      }
    }

    @Test(arguments: InstructionSet.available)
    func `large scores neither overflow nor lose the winner`(path: InstructionSet) {
      let shape = Attention(sequence: 100, heads: 1, headDim: 8)
      // Every query meets its own kind with 3535 and the others with -3535.
      var qkv = [Float](repeating: 0, count: 100 * 24)
      for t in 0..<100 {
        qkv[t * 24] = Float(t % 2 == 0 ? 100 : -100)
        qkv[t * 24 + 8] = qkv[t * 24]
        qkv[t * 24 + 16] = Float(t % 2)
      }
      let input = Input(shape, qkv: qkv.map(rounded), dOutput: qkv[..<800].map(rounded))
      let got = input.run(path)
      #expect((0..<100).allSatisfy { widened(got.output)[$0 * 8] == Float($0 % 2) })
      #expect(widened(got.dqkv).allSatisfy { $0.isFinite })
    }

    /// The root of the mean square, relative to that of the reference.
    private func error(_ got: [UInt16], _ want: [Double]) -> Double {
      let squares = zip(widened(got), want).map { ($0.0.isNaN ? 1e9 : Double($0.0)) - $0.1 }
      return (dot(squares, squares) / max(dot(want, want), 1e-30)).squareRoot()
    }
  }
}

/// Two sequences of one layer's heads.
private struct Input {
  struct Result {
    var output: [UInt16]
    var logSumExp: [Float]
    var dqkv: [UInt16]
    var forward = WorkCounters()
    var backward = WorkCounters()
  }

  let shape: Attention
  let qkv: [UInt16]
  let dOutput: [UInt16]
  private let dropsOut: Bool
  private var width: Int { shape.heads * shape.headDim }
  private var tokens: Int { dOutput.count / width }

  init(_ shape: Attention, dropsOut: Bool) {
    var noise = Noise(shape.sequence)
    let count = 2 * shape.sequence * shape.heads * shape.headDim
    self.init(
      shape, qkv: noise.floats(3 * count, scale: 2).map(rounded),
      dOutput: noise.floats(count).map(rounded), dropsOut: dropsOut)
  }

  init(_ shape: Attention, qkv: [UInt16], dOutput: [UInt16], dropsOut: Bool = false) {
    self.shape = shape
    self.qkv = qkv
    self.dOutput = dOutput
    self.dropsOut = dropsOut
  }

  private func dropout(sequence: Int, head: Int) -> Dropout? {
    guard dropsOut else { return nil }
    return Dropout(
      probability: 0.3, seed: 5, step: 9, site: 3, layer: 2, head: head, sequence: sequence)
  }

  /// In buffers of no-numbers: what is not written shows.
  func run(_ path: InstructionSet) -> Result {
    let nothing = rounded(.nan)
    var result = Result(
      output: [UInt16](repeating: nothing, count: dOutput.count),
      logSumExp: [Float](repeating: .nan, count: tokens * shape.heads),
      dqkv: [UInt16](repeating: nothing, count: qkv.count))
    let bytes = max(shape.forwardScratchBytes, shape.backwardScratchBytes)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4)
    scratch.initializeMemory(as: Float.self, repeating: .nan, count: bytes / 4)
    defer { scratch.deallocate() }
    path.run {
      for unit in 0..<tokens / shape.sequence * shape.heads {
        let (sequence, head) = (unit / shape.heads, unit % shape.heads)
        let dropout = dropout(sequence: sequence, head: head)
        shape.forward(
          qkv, into: &result.output, logSumExp: &result.logSumExp, sequenceIndex: sequence,
          head: head, dropout: dropout, scratch: scratch, as: .bfloat16, counters: &result.forward)
        shape.backward(
          dOutput, qkv: qkv, output: result.output, logSumExp: result.logSumExp,
          into: &result.dqkv, sequenceIndex: sequence, head: head, dropout: dropout,
          scratch: scratch, as: .bfloat16, counters: &result.backward)
      }
    }
    return result
  }

  /// The same values in double.
  func reference() -> (output: [Double], logSumExp: [Double], dqkv: [Double]) {
    var output = [Double](repeating: 0, count: dOutput.count)
    var logSumExp = [Double](repeating: 0, count: tokens * shape.heads)
    var dqkv = [Double](repeating: 0, count: qkv.count)
    let s = shape.sequence
    for unit in 0..<tokens / s * shape.heads {
      let (sequence, head) = (unit / shape.heads, unit % shape.heads)
      var factors = [Float](repeating: 1, count: dropsOut ? s * s : 0)
      var work = WorkCounters()
      dropout(sequence: sequence, head: head)?.apply(
        to: factors, into: &factors, width: s, sequence: s, rows: 0..<s, counters: &work)
      ReferenceHead(
        shape, doubles(widened(qkv)), dOutput: doubles(widened(dOutput)), sequence: sequence,
        head: head, factors: doubles(factors)
      ).scatter(&output, &logSumExp, &dqkv)
    }
    return (output, logSumExp, dqkv)
  }
}
