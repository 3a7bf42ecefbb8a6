import Kernels
import Regression

extension Benchmark {
  /// Each kernel of the emulator on one thread, at shapes of a small GPT-J and at odd ones.
  ///
  /// An iteration calls the kernel so often that it takes about a millisecond or a few.
  static let kernels: [Benchmark] =
    matrixKernels + attentionKernels + vectorKernels + kernelsInCache

  /// `make` builds the buffers and returns one call.
  static func kernel(
    _ name: String, _ shape: String, _ calibrator: Calibrator = .compute, calls: Int,
    make: @escaping @Sendable () -> (inout WorkCounters) -> Void
  ) -> Benchmark {
    Benchmark("kernels/\(name)", "\(shape), float32, 1 thread, \(calls) calls", calibrator) {
      let call = make()
      var counters = WorkCounters()
      return Workload {
        counters = WorkCounters()
        for _ in 0..<calls { call(&counters) }
      } counts: {
        Counts.of(counters)
      }
    }
  }
}

// MARK: - Matrices

extension Benchmark {
  private static let matrixKernels: [Benchmark] = [
    gemm("gemm", m: 512, n: 512, k: 512, calls: 4),
    gemm("gemm_odd", m: 129, n: 257, k: 513, calls: 24),
    gemm("gemm_transposed_b", m: 256, n: 1024, k: 256, calls: 8, transposesB: true),
    gemm("gemm_weight_gradient", m: 256, n: 1024, k: 256, calls: 8, transposesA: true),
    gemm("few_rows", m: 8, n: 4096, k: 512, calls: 16, transposesB: true),
    gemm("few_rows_odd", m: 3, n: 413, k: 65, calls: 512, transposesB: true),
  ]

  static func gemm(
    _ name: String, m: Int, n: Int, k: Int, calls: Int, transposesA: Bool = false,
    transposesB: Bool = false
  ) -> Benchmark {
    let shape = "\(m)x\(k)\(transposesA ? "^T" : "") · \(k)x\(n)\(transposesB ? "^T" : "")"
    return kernel(name, shape, calls: calls) {
      GEMM.prepareThread()
      let (a, b, c) = (Buffer.noise(m * k), Buffer.noise(k * n, seed: 2), Buffer.zeros(m * n))
      return { counters in
        GEMM.multiply(
          MatrixOperand(a.start, stride: transposesA ? m : k, transposed: transposesA),
          MatrixOperand(b.start, stride: transposesB ? k : n, transposed: transposesB),
          into: c.start, stride: n, rows: m, columns: n, inner: k, accumulate: transposesA,
          counters: &counters)
      }
    }
  }
}

// MARK: - Attention

extension Benchmark {
  private static let attentionKernels: [Benchmark] = [
    attention("attention_forward", .forward, sequence: 256, heads: 4, headDim: 64, calls: 4),
    attention("attention_forward_odd", .forward, sequence: 229, heads: 3, headDim: 40, calls: 8),
    attention("attention_backward", .backward, sequence: 256, heads: 4, headDim: 64, calls: 2),
    attention("attention_backward_odd", .backward, sequence: 229, heads: 3, headDim: 40, calls: 4),
    cachedAttention("cached_attention", sequences: 8, capacity: 512, heads: 16, headDim: 64),
  ]

  static func attention(
    _ name: String, _ pass: Attention.Pass, sequence: Int, heads: Int, headDim: Int, calls: Int
  ) -> Benchmark {
    kernel(name, "\(sequence) tokens, \(heads) heads of \(headDim)", calls: calls) {
      let attention = Attention(sequence: sequence, heads: heads, headDim: headDim)
      let width = heads * headDim
      let qkv = Buffer.noise(sequence * 3 * width)
      let dqkv = Buffer.zeros(sequence * 3 * width)
      let (output, sums) = (Buffer.zeros(sequence * width), Buffer.zeros(sequence * heads))
      let dOutput = Buffer.noise(sequence * width, seed: 2)
      let bytes = max(attention.forwardScratchBytes, attention.backwardScratchBytes)
      let scratch = Buffer<UInt8>(bytes) { _ in 0 }
      func forward(_ head: Int, _ counters: inout WorkCounters) {
        attention.forward(
          qkv.start, into: output.start, logSumExp: sums.start, sequenceIndex: 0, head: head,
          scratch: scratch.start, counters: &counters)
      }
      var setUp = WorkCounters()
      for head in 0..<heads { forward(head, &setUp) }
      return { counters in
        for head in 0..<heads {
          switch pass {
          case .forward: forward(head, &counters)
          case .backward:
            attention.backward(
              dOutput.start, qkv: qkv.start, output: output.start, logSumExp: sums.start,
              into: dqkv.start, sequenceIndex: 0, head: head, scratch: scratch.start,
              counters: &counters)
          }
        }
      }
    }
  }

  /// One new token of each sequence, whose cache is full up to it.
  static func cachedAttention(
    _ name: String, sequences: Int, capacity: Int, heads: Int, headDim: Int
  ) -> Benchmark {
    let plan = "\(sequences) sequences of \(capacity) tokens, \(heads) heads of \(headDim)"
    return kernel(name, plan, .memory, calls: 2) {
      let attention = CachedAttention(capacity: capacity, heads: heads, headDim: headDim)
      let width = heads * headDim
      let cache = Buffer.noise(sequences * attention.floatsPerSequence)
      let (qkv, output) = (Buffer.noise(sequences * 3 * width), Buffer.zeros(sequences * width))
      let places = Buffer<Int32>(sequences) { Int32($0 * capacity + capacity - 1) }
      let scratch = Buffer<UInt8>(attention.scratchBytes) { _ in 0 }
      return { counters in
        attention.append(
          qkv.start, places: places.start, to: cache.start, rows: 0..<sequences)
        for head in 0..<heads {
          _ = attention.attend(
            qkv.start, cache: cache.start, places: places.start, into: output.start,
            rows: 0..<sequences, head: head, scratch: scratch.start, counters: &counters)
        }
      }
    }
  }
}
