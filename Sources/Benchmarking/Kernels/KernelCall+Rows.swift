import Glibc
import Kernels

/// What one kernel of a training step does.
enum KernelPass {
  case forward
  case backward
  /// The gradient of a layer's own parameters.
  case parameters
}

// MARK: - Layer norm

extension KernelCall {
  /// These passes, one after the other, over the same rows.
  static func layerNorm(
    _ passes: KernelPass..., rows: Int, width: Int, as format: ElementFormat = .float32
  ) -> KernelCall {
    let x = Elements(noise: rows * width, format)
    let dy = Elements(noise: rows * width, seed: 2, format)
    let y = Elements(zeros: rows * width, format)
    let stats = Buffer.zeros(rows * 2)
    let (gamma, beta) = (Buffer.noise(width), Buffer.noise(width, seed: 3))
    let (dGamma, dBeta) = (Buffer.zeros(width), Buffer.zeros(width))
    func forward(_ counters: inout WorkCounters) {
      LayerNorm.forward(
        x.start, gamma: gamma.start, beta: beta.start, into: y.start, stats: stats.start,
        rows: 0..<rows, width: width, epsilon: 1e-5, as: format, counters: &counters)
    }
    var setUp = WorkCounters()
    if !passes.contains(.forward) { forward(&setUp) }
    var call = KernelCall(
      bytes: passes.reduce(0) { $0 + ($1 == .backward ? 3 : 2) * x.bytes },
      run: { counters in
        for pass in passes {
          switch pass {
          case .forward: forward(&counters)
          case .parameters:
            LayerNorm.parameterGradient(
              dy.start, x: x.start, stats: stats.start, dGamma: dGamma.start, dBeta: dBeta.start,
              rows: rows, width: width, columns: 0..<width, as: format, counters: &counters)
          case .backward:
            LayerNorm.backward(
              dy.start, x: x.start, stats: stats.start, gamma: gamma.start, into: y.start,
              rows: 0..<rows, width: width, as: format, counters: &counters)
          }
        }
      }, results: { [y.values, stats.values, dGamma.values, dBeta.values] })
    let parameters = (gamma.values + beta.values).map(Double.init)
    let weights = dy.doubles
    if passes == [.backward] {
      call.gradient = Gradient(
        point: x.doubles, function: { layerNormSum($0, parameters, weights) }
      ) { y.values }
    } else if passes == [.parameters] {
      let x = x.doubles
      call.gradient = Gradient(
        point: parameters, function: { layerNormSum(x, $0, weights) }
      ) { dGamma.values + dBeta.values }
    }
    return call
  }
}

/// The sum of layer norm's output x weights; `parameters` are gamma, then beta.
private func layerNormSum(
  _ x: [Double], _ parameters: [Double], _ weights: [Double]
) -> Double {
  let width = parameters.count / 2
  return stride(from: 0, to: x.count, by: width).reduce(0) { total, start in
    let row = x[start..<start + width]
    let mean = row.reduce(0, +) / Double(width)
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
    let scale = 1 / (variance + 1e-5).squareRoot()
    return (0..<width).reduce(total) {
      $0 + weights[start + $1]
        * ((x[start + $1] - mean) * scale * parameters[$1] + parameters[width + $1])
    }
  }
}

// MARK: - Cross entropy

extension KernelCall {
  /// What a shard does from logits to loss, from there to their gradient in place, or both.
  static func crossEntropy(
    _ passes: KernelPass..., rows: Int, columns: Int, valid: Int,
    as format: ElementFormat = .float32
  ) -> KernelCall {
    let shard = LogitsShard(stride: columns, columns: columns, validColumns: valid, firstColumn: 0)
    let logits = Elements(noise: rows * columns, format)
    let labels = Buffer.ids(rows, below: valid)
    let (max, sum, label) = (Buffer.zeros(rows), Buffer.zeros(rows), Buffer.zeros(rows))
    func forward(_ counters: inout WorkCounters) {
      CrossEntropy.rowMax(
        logits.start, shard: shard, into: max.start, rows: 0..<rows, as: format,
        counters: &counters)
      CrossEntropy.rowSums(
        logits.start, shard: shard, labels: labels.start, max: max.start, sum: sum.start,
        labelLogit: label.start, rows: 0..<rows, as: format, counters: &counters)
    }
    var setUp = WorkCounters()
    if !passes.contains(.forward) { forward(&setUp) }
    var call = KernelCall(
      bytes: passes.count * 2 * logits.bytes,
      run: { counters in
        if passes.contains(.forward) { forward(&counters) }
        guard passes.contains(.backward) else { return }
        CrossEntropy.backward(
          logits.start, shard: shard, labels: labels.start, max: max.start, sum: sum.start,
          scale: 1, rows: 0..<rows, as: format, counters: &counters)
      },
      results: {
        passes.contains(.backward) ? [logits.values] : [max.values, sum.values, label.values]
      })
    if passes == [.backward] {
      let ids = labels.values.map(Int.init)
      call.gradient = Gradient(
        point: logits.doubles, function: { crossEntropySum($0, ids, columns, valid) }
      ) { logits.values }
    }
    return call
  }
}

/// The sum of the rows' losses.
private func crossEntropySum(_ x: [Double], _ ids: [Int], _ columns: Int, _ valid: Int) -> Double {
  ids.indices.reduce(0) { total, row in
    let logits = x[row * columns..<row * columns + valid]
    return total + log(logits.reduce(0) { $0 + exp($1) }) - x[row * columns + ids[row]]
  }
}

// MARK: - Rotary, embedding, biases

extension KernelCall {
  /// The backward pass is the inverse rotation.
  static func rotary(
    _ pass: KernelPass, rows: Int, sequence: Int, heads: Int, headDim: Int, rotaryDim: Int,
    as format: ElementFormat = .float32
  ) -> KernelCall {
    let width = heads * headDim
    let x = Elements(noise: rows * width, format)
    let table = Buffer.zeros(Rotary.tableCount(sequence: sequence, rotaryDim: rotaryDim))
    Rotary.fillTable(table.start, sequence: sequence, rotaryDim: rotaryDim)
    var call = KernelCall(
      bytes: 2 * rows * heads * rotaryDim * format.bytes,
      run: {
        Rotary.apply(
          x.start, stride: width, column: 0, heads: heads, headDim: headDim, rotaryDim: rotaryDim,
          table: table.start, sequence: sequence, rows: 0..<rows, inverse: pass == .backward,
          as: format, counters: &$0)
      }, results: { [x.values] })
    if pass == .backward {
      let weights = x.doubles
      call.gradient = Gradient(
        point: Elements(noise: rows * width, seed: 2, format).doubles,
        function: { rotarySum($0, weights, sequence, width, headDim, rotaryDim) }
      ) { x.values }
    }
    return call
  }

  static func embedding(
    _ pass: KernelPass, tokens: Int, width: Int, rows: Int, as format: ElementFormat = .float32
  ) -> KernelCall {
    let table = Elements(noise: rows * width, format)
    let x = Elements(noise: tokens * width, seed: 2, format)
    let ids = Buffer.ids(tokens, below: rows)
    let gradient = Buffer.zeros(pass == .forward ? 0 : rows * width)
    guard pass == .backward else {
      return KernelCall(
        bytes: 2 * x.bytes,
        run: {
          Embedding.gather(
            ids.start, table: table.start, into: x.start, tokens: 0..<tokens, width: width,
            shard: 0..<rows, as: format, counters: &$0)
        }, results: { [x.values] })
    }
    let (places, weights) = (ids.values.map(Int.init), x.doubles)
    return KernelCall(
      bytes: x.bytes + 8 * x.count,
      run: {
        Embedding.gradient(
          ids.start, dx: x.start, into: gradient.start, tokens: tokens, width: width,
          shard: 0..<rows, rows: 0..<rows, as: format, counters: &$0)
      }, results: { [gradient.values] },
      gradient: Gradient(
        point: table.doubles,
        function: { table in
          weights.indices.reduce(0) {
            $0 + weights[$1] * table[places[$1 / width] * width + $1 % width]
          }
        }
      ) { gradient.values })
  }

  /// Adds a bias to rows, or sums up its gradient.
  static func bias(
    _ pass: KernelPass, rows: Int, width: Int, as format: ElementFormat = .float32
  ) -> KernelCall {
    let y = Elements(noise: rows * width, format)
    let (bias, gradient) = (Buffer.noise(width, seed: 2), Buffer.zeros(width))
    guard pass == .parameters else {
      return KernelCall(
        bytes: 2 * y.bytes,
        run: {
          Elementwise.addBias(
            bias.start, to: y.start, stride: width, rows: 0..<rows, width: width, as: format,
            counters: &$0)
        }, results: { [y.values] })
    }
    let weights = y.doubles
    return KernelCall(
      bytes: y.bytes,
      run: {
        Elementwise.biasGradient(
          y.start, stride: width, into: gradient.start, rows: rows, columns: 0..<width, as: format,
          counters: &$0)
      }, results: { [gradient.values] },
      gradient: Gradient(
        point: bias.values.map(Double.init),
        function: { bias in
          weights.indices.reduce(0) { $0 + weights[$1] * bias[$1 % width] }
        }
      ) { gradient.values })
  }
}

/// The sum of the rotated heads x weights.
private func rotarySum(
  _ x: [Double], _ weights: [Double], _ sequence: Int, _ width: Int, _ headDim: Int,
  _ rotaryDim: Int
) -> Double {
  x.indices.reduce(0) { total, index in
    let (position, place) = (index / width % sequence, index % width % headDim)
    guard place < rotaryDim else { return total + weights[index] * x[index] }
    let pair = place / 2 * 2
    let angle = Double(position) * pow(10_000, -Double(pair) / Double(rotaryDim))
    let rotated =
      place == pair
      ? x[index] * cos(angle) - x[index + 1] * sin(angle)
      : x[index] * cos(angle) + x[index - 1] * sin(angle)
    return total + weights[index] * rotated
  }
}
