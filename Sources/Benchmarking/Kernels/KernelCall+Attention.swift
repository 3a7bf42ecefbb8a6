import Glibc
import Kernels

extension KernelCall {
  /// One pass over all heads of one sequence.
  static func attention(
    _ pass: Attention.Pass, sequence: Int, heads: Int, headDim: Int,
    as format: ElementFormat = .float32
  ) -> KernelCall {
    let attention = Attention(sequence: sequence, heads: heads, headDim: headDim)
    let width = heads * headDim
    let qkv = Elements(noise: sequence * 3 * width, format)
    let dqkv = Elements(zeros: sequence * 3 * width, format)
    let output = Elements(zeros: sequence * width, format)
    let dOutput = Elements(noise: sequence * width, seed: 2, format)
    let sums = Buffer.zeros(sequence * heads)
    let bytes = max(attention.forwardScratchBytes, attention.backwardScratchBytes)
    let scratch = Buffer<UInt8>(bytes) { _ in 0 }
    func forward(_ counters: inout WorkCounters) {
      for head in 0..<heads {
        attention.forward(
          qkv.start, into: output.start, logSumExp: sums.start, sequenceIndex: 0, head: head,
          scratch: scratch.start, as: format, counters: &counters)
      }
    }
    func backward(_ counters: inout WorkCounters) {
      for head in 0..<heads {
        attention.backward(
          dOutput.start, qkv: qkv.start, output: output.start, logSumExp: sums.start,
          into: dqkv.start, sequenceIndex: 0, head: head, scratch: scratch.start, as: format,
          counters: &counters)
      }
    }
    if pass == .forward {
      return KernelCall(
        bytes: qkv.bytes + output.bytes, run: forward,
        results: { [output.values, sums.values] })
    }
    var setUp = WorkCounters()
    forward(&setUp)
    let reference = AttentionReference(sequence: sequence, heads: heads, headDim: headDim)
    return KernelCall(
      bytes: qkv.bytes + dqkv.bytes + output.bytes + dOutput.bytes, run: backward,
      results: { [dqkv.values] },
      gradient: Gradient(
        point: qkv.doubles, function: { [weights = dOutput.doubles] in reference.sum($0, weights) }
      ) { dqkv.values })
  }

  /// One new token of each sequence, whose cache is full up to it.
  static func cachedAttention(
    sequences: Int, capacity: Int, heads: Int, headDim: Int
  ) -> KernelCall {
    let attention = CachedAttention(capacity: capacity, heads: heads, headDim: headDim)
    let width = heads * headDim
    let cache = Buffer.noise(sequences * attention.floatsPerSequence)
    let (qkv, output) = (Buffer.noise(sequences * 3 * width), Buffer.zeros(sequences * width))
    let places = Buffer<Int32>(sequences) { Int32($0 * capacity + capacity - 1) }
    let scratch = Buffer<UInt8>(attention.scratchBytes) { _ in 0 }
    return KernelCall(
      bytes: 4 * (cache.count + qkv.count + output.count),
      run: { counters in
        attention.append(
          qkv.start, places: places.start, to: cache.start, rows: 0..<sequences)
        for head in 0..<heads {
          _ = attention.attend(
            qkv.start, cache: cache.start, places: places.start, into: output.start,
            rows: 0..<sequences, head: head, scratch: scratch.start, counters: &counters)
        }
      }, results: { [output.values] })
  }
}

/// Causal attention of one sequence in double, with each row of scores.
private struct AttentionReference {
  let sequence, heads, headDim: Int

  /// The sum of output x weights, the function whose gradient the backward pass is at `weights`.
  func sum(_ qkv: [Double], _ weights: [Double]) -> Double {
    let width = heads * headDim
    var total = 0.0
    for head in 0..<heads {
      for query in 0..<sequence {
        let q = query * 3 * width + head * headDim
        let scores = (0...query).map { key in
          (0..<headDim).reduce(0) {
            $0 + qkv[q + $1] * qkv[key * 3 * width + width + head * headDim + $1]
          } / Double(headDim).squareRoot()
        }
        let top = scores.reduce(scores[0], max)
        let powers = scores.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        for (key, power) in powers.enumerated() {
          let v = key * 3 * width + 2 * width + head * headDim
          for column in 0..<headDim {
            let weight = weights[query * width + head * headDim + column]
            total += power / sum * qkv[v + column] * weight
          }
        }
      }
    }
    return total
  }
}
