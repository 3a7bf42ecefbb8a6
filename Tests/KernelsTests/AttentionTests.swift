import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct AttentionTests {
    static let shapes = [
      (1, 1, 2), (31, 2, 8), (32, 1, 8), (70, 2, 10), (45, 3, 17), (65, 1, 64), (40, 1, 256),
    ].map { Attention(sequence: $0.0, heads: $0.1, headDim: $0.2) }

    @Test(arguments: InstructionSet.available, shapes)
    func `Forward and backward equal the double reference`(path: InstructionSet, shape: Attention) {
      var noise = Noise(shape.sequence)
      let width = shape.heads * shape.headDim
      let tokens = 2 * shape.sequence
      let qkv = noise.floats(tokens * 3 * width, scale: 2)
      let dOutput = noise.floats(tokens * width)
      let run = AttentionRun(shape, tokens: tokens, qkv: qkv, dOutput: dOutput, path: path)

      let qkvD = doubles(qkv)
      let want = (0..<2).map { sequence in
        (0..<shape.heads).map {
          ReferenceHead(shape, qkvD, dOutput: doubles(dOutput), sequence: sequence, head: $0)
        }
      }
      var output = [Double](repeating: 0, count: tokens * width)
      var lse = [Double](repeating: 0, count: tokens * shape.heads)
      var dqkv = [Double](repeating: 0, count: qkv.count)
      for head in want.joined() { head.scatter(&output, &lse, &dqkv) }
      #expect(worst(run.output, output) < 2e-6)
      #expect(worst(run.logSumExp, lse) < 1e-6)
      #expect(worst(run.dqkv, dqkv) < 5e-6)
    }

    @Test(arguments: InstructionSet.available, shapes)
    func `With dropout both equal the reference under the mask that rows would have`(
      path: InstructionSet, shape: Attention
    ) {
      var noise = Noise(shape.sequence)
      let (s, width) = (shape.sequence, shape.heads * shape.headDim)
      let qkv = noise.floats(s * 3 * width, scale: 2)
      let dOutput = noise.floats(s * width)
      func dropout(_ head: Int) -> Dropout {
        Dropout(
          probability: 0.3, seed: 5, step: 9, site: 3, layer: 2, head: head, sequence: 11)
      }
      let run = AttentionRun(
        shape, tokens: s, qkv: qkv, dOutput: dOutput, path: path, dropout: dropout)
      var output = [Double](repeating: 0, count: s * width)
      var lse = [Double](repeating: 0, count: s * shape.heads)
      var dqkv = [Double](repeating: 0, count: qkv.count)
      for head in 0..<shape.heads {
        var factors = [Float](repeating: 1, count: s * s)
        var work = WorkCounters()
        dropout(head).apply(
          to: factors, into: &factors, width: s, sequence: s, rows: 0..<s, counters: &work)
        ReferenceHead(
          shape, doubles(qkv), dOutput: doubles(dOutput), sequence: 0, head: head,
          factors: doubles(factors)
        ).scatter(&output, &lse, &dqkv)
      }
      #expect(worst(run.output, output) < 2e-6)
      #expect(worst(run.logSumExp, lse) < 1e-6)
      #expect(worst(run.dqkv, dqkv) < 5e-6)
    }

    @Test(arguments: [false, true])
    func `The reference's gradient is the slope of its output`(dropsOut: Bool) {
      let shape = Attention(sequence: 6, heads: 2, headDim: 4)
      var noise = Noise(3)
      let qkv = doubles(noise.floats(6 * 24))
      let dOutput = doubles(noise.floats(6 * 8))
      let factors = dropsOut ? (0..<36).map { $0 % 3 == 1 ? 0 : 1.5 } : []
      let head = ReferenceHead(
        shape, qkv, dOutput: dOutput, sequence: 0, head: 1, factors: factors)
      var output = [Double](repeating: 0, count: 48)
      var lse = [Double](repeating: 0, count: 12)
      var dqkv = [Double](repeating: 0, count: qkv.count)
      head.scatter(&output, &lse, &dqkv)
      for i in qkv.indices {
        let want = slope(
          of: { x in
            let h = ReferenceHead(
              shape, x, dOutput: dOutput, sequence: 0, head: 1, factors: factors)
            return zip(h.output, h.dOutput).reduce(0) { $0 + $1.0 * $1.1 }
          }, at: qkv, i)
        #expect(abs(dqkv[i] - want) < 1e-8)
      }
    }

    @Test(arguments: InstructionSet.available, shapes)
    func `Executed and skipped FLOPs add up to the full square`(
      path: InstructionSet, shape: Attention
    ) {
      let zeros = [Float](repeating: 0, count: shape.sequence * 3 * shape.heads * shape.headDim)
      let run = AttentionRun(
        shape, tokens: shape.sequence, qkv: zeros, dOutput: zeros, path: path)
      let (s, d) = (shape.sequence, shape.headDim)
      let skippedForward = Attention.skippedFlops(.forward, sequence: s, headDim: d)
      let skippedBackward = Attention.skippedFlops(.backward, sequence: s, headDim: d)
      #expect(run.forwardWork.flops == shape.heads * (4 * s * s * d - skippedForward))
      #expect(run.backwardWork.flops == shape.heads * (10 * s * s * d - skippedBackward))
      #expect(Attention.nominalFlops(.forward, sequence: s, headDim: d) == 4 * s * s * d)
      #expect(Attention.nominalFlops(.backward, sequence: s, headDim: d) == 10 * s * s * d)
    }

    @Test func `Skipped pairs of 70 tokens are those of the three tiles above the diagonal`() {
      #expect(Attention.skippedPairs(sequence: 70) == 32 * 32 + 32 * 6 + 32 * 6)
      #expect(Attention.skippedPairs(sequence: 32) == 0)
    }

    @Test(arguments: InstructionSet.available)
    func `Large scores neither overflow nor lose the winner`(path: InstructionSet) {
      let shape = Attention(sequence: 40, heads: 1, headDim: 8)
      // Every query meets its own key with 900 and the others with 0.
      var qkv = [Float](repeating: 0, count: 40 * 24)
      for t in 0..<40 {
        qkv[t * 24] = Float(t % 2 == 0 ? 100 : -100)
        qkv[t * 24 + 8] = Float(t % 2 == 0 ? 100 : -100)
        qkv[t * 24 + 16] = Float(t % 2)
      }
      let run = AttentionRun(shape, tokens: 40, qkv: qkv, dOutput: qkv, path: path)
      #expect((0..<40).allSatisfy { run.output[$0 * 8] == Float($0 % 2) })
      #expect(run.dqkv.allSatisfy { $0.isFinite })
    }
  }
}

/// All heads of all sequences, in NaN-filled buffers: what is not written shows.
private struct AttentionRun {
  var output: [Float]
  var logSumExp: [Float]
  var dqkv: [Float]
  var forwardWork = WorkCounters()
  var backwardWork = WorkCounters()

  init(
    _ shape: Attention, tokens: Int, qkv: [Float], dOutput: [Float], path: InstructionSet,
    dropout: (_ head: Int) -> Dropout? = { _ in nil }
  ) {
    output = [Float](repeating: .nan, count: tokens * shape.heads * shape.headDim)
    logSumExp = [Float](repeating: .nan, count: tokens * shape.heads)
    dqkv = [Float](repeating: .nan, count: qkv.count)
    let bytes = max(shape.forwardScratchBytes, shape.backwardScratchBytes)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4)
    scratch.initializeMemory(as: Float.self, repeating: .nan, count: bytes / 4)
    defer { scratch.deallocate() }
    path.run {
      for sequence in 0..<tokens / shape.sequence {
        for head in 0..<shape.heads {
          shape.forward(
            qkv, into: &output, logSumExp: &logSumExp, sequenceIndex: sequence, head: head,
            dropout: dropout(head), scratch: scratch, counters: &forwardWork)
          shape.backward(
            dOutput, qkv: qkv, output: output, logSumExp: logSumExp, into: &dqkv,
            sequenceIndex: sequence, head: head, dropout: dropout(head), scratch: scratch,
            counters: &backwardWork)
        }
      }
    }
  }
}
