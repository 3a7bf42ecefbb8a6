import Collectives
import Glibc
import Kernels
import Program

/// What one worker needs to run instructions: scratch memory, and what it counts.
struct WorkerContext {
  let scratch: UnsafeMutableRawPointer
  /// What the Program's loss scale is multiplied by in this run.
  var lossScaleFactor = 1.0
  var kernels = WorkCounters()
  /// What the Program states and a run found that there was not: tokens that a cache has room for.
  var unneeded = WorkCounters()
  var collectives = CollectiveBytes()
  var loadBytes = 0
  var storeBytes = 0
  var hostBytes = 0
}

extension Instruction {
  func run(_ context: inout WorkerContext) {
    switch self {
    case .move(let move): move.run(&context)
    case .widen(let source, let target, let count, let format):
      format.widen(source, into: target, count: count)
      context.loadBytes += count * MemoryLayout<UInt16>.size
    case .narrow(let source, let target, let count, let format):
      format.narrow(source, into: target, count: count)
      context.storeBytes += count * MemoryLayout<UInt16>.size
    case .zero(let start, let bytes): memset(start, 0, bytes)
    case .slice(let slice): slice.run()
    case .collective(let part): part.run(&context.collectives)
    case .gemm(let product): product.run(&context.kernels)
    case .halfProduct(let operands):
      operands.product._withUnsafeGuaranteedRef {
        $0.multiply(
          operands.a, operands.b, into: operands.c, scratch: context.scratch,
          counters: &context.kernels)
      }
    case .add(let sum): sum.run(&context.kernels)
    case .addBias(let y, let bias):
      Elementwise.addBias(
        bias, to: y.matrix, stride: y.width, rows: y.rows, width: y.width,
        as: y.format, counters: &context.kernels)
    case .addScaledColumns(let columns, let factor):
      Elementwise.addScaled(
        columns.from, stride: columns.fromStride, by: factor, to: columns.to,
        stride: columns.toStride, rows: columns.rows, width: columns.width, as: columns.format,
        counters: &context.kernels)
    case .scaledColumns(let columns, let factor):
      Elementwise.scale(
        columns.from, stride: columns.fromStride, by: factor, into: columns.to,
        stride: columns.toStride, rows: columns.rows, width: columns.width, as: columns.format,
        counters: &context.kernels)
    case .biasGradient(let dy, let target, let columns):
      Elementwise.biasGradient(
        dy.matrix, stride: dy.width, into: target, rows: dy.rows.count, columns: columns,
        as: dy.format, counters: &context.kernels)
    case .dropout(let x, let dropping, let y):
      dropping.pointee.dropout().apply(
        to: x, into: y.matrix, width: y.width, sequence: dropping.pointee.tokens, rows: y.rows,
        as: y.format, counters: &context.kernels)
    case .gelu(let z, let g, let count, let format):
      Gelu.forward(z, into: g, count: count, as: format, counters: &context.kernels)
    case .geluBackward(let dg, let z, let dz, let count, let format):
      Gelu.backward(dg, z: z, into: dz, count: count, as: format, counters: &context.kernels)
    case .squares(let x, let cut, let chunks, let format, let sums):
      for chunk in chunks {
        sums[chunk] = Elementwise.sumOfSquares(
          x + cut[chunk].lowerBound * format.bytes, count: cut[chunk].count, as: format,
          counters: &context.kernels)
      }
    case .sumOfSquares(let sums, let sum):
      sum.pointee += Float((0..<RowCut.squareChunks).reduce(0) { $0 + sums[$1] })
    case .gradientScale(let squares, let scale, let norm, let clip, let lossScale):
      let lossScale = lossScale * context.lossScaleFactor
      let length = Double(squares.pointee).squareRoot() / lossScale
      norm.pointee = Float(length)
      scale.pointee =
        length.isFinite ? Float(clip / Swift.max(length, clip) / lossScale) : 0
    case .adamW(let update): update.run(&context)
    case .selectRows(let x, let rowBytes, let numbers, let rows, let target):
      for row in rows {
        memcpy(target + row * rowBytes, x + Int(numbers[row]) * rowBytes, rowBytes)
      }
    case .argmax(let logits): logits.run(&context.kernels)
    case .layerNorm, .layerNormBackward, .layerNormGradient: runNorm(&context.kernels)
    case .rotary(let rows, let shape, let places): shape.run(rows, places, &context.kernels)
    case .attention, .attentionBackward: runAttention(&context)
    case .cacheAppend(let part, let cache):
      part.shape.append(part.qkv, places: part.places, to: cache, rows: part.part)
    case .cachedAttention(let part, let cache, let output):
      part.attend(cache, into: output, &context)
    case .embed, .embedBackward: runEmbedding(&context.kernels)
    case .logitsMax, .logitsSums, .crossEntropyLoss, .crossEntropyBackward:
      runCrossEntropy(&context.kernels, context.lossScaleFactor)
    }
  }

  private func runNorm(_ counters: inout WorkCounters) {
    switch self {
    case .layerNorm(let norm, let gain, let bias, let y, let epsilon):
      LayerNorm.forward(
        norm.x, gamma: gain, beta: bias, into: y, stats: norm.stats, rows: norm.part,
        width: norm.width, epsilon: epsilon, as: norm.format, counters: &counters)
    case .layerNormBackward(let norm, let dy, let gain, let dx):
      LayerNorm.backward(
        dy, x: norm.x, stats: norm.stats, gamma: gain, into: dx, rows: norm.part,
        width: norm.width, as: norm.format, counters: &counters)
    case .layerNormGradient(let norm, let dy, let dGain, let dBias):
      LayerNorm.parameterGradient(
        dy, x: norm.x, stats: norm.stats, dGamma: dGain, dBeta: dBias, rows: norm.rows,
        width: norm.width, columns: norm.part, as: norm.format, counters: &counters)
    default: preconditionFailure("not a layer norm")
    }
  }

  private func runAttention(_ context: inout WorkerContext) {
    switch self {
    case .attention(let part, let output, let logSumExp):
      for unit in part.units {
        part.shape.forward(
          part.qkv, into: output, logSumExp: logSumExp, sequenceIndex: unit / part.shape.heads,
          head: unit % part.shape.heads, dropout: part.dropout(of: unit),
          scratch: context.scratch, as: part.format, counters: &context.kernels)
      }
    case .attentionBackward(let part, let output, let logSumExp, let dOutput, let dqkv):
      for unit in part.units {
        part.shape.backward(
          dOutput, qkv: part.qkv, output: output, logSumExp: logSumExp, into: dqkv,
          sequenceIndex: unit / part.shape.heads, head: unit % part.shape.heads,
          dropout: part.dropout(of: unit), scratch: context.scratch, as: part.format,
          counters: &context.kernels)
      }
    default: preconditionFailure("not attention")
    }
  }

  private func runEmbedding(_ counters: inout WorkCounters) {
    switch self {
    case .embed(let lookup, let table, let rows, let tokens):
      Embedding.gather(
        lookup.ids, table: table, into: rows, tokens: tokens, width: lookup.width,
        shard: lookup.shard, as: lookup.format, counters: &counters)
    case .embedBackward(let lookup, let dx, let tokens, let dTable, let rows):
      Embedding.gradient(
        lookup.ids, dx: dx, into: dTable, tokens: tokens, width: lookup.width,
        shard: lookup.shard, rows: rows, as: lookup.format, counters: &counters)
    default: preconditionFailure("not an embedding")
    }
  }

  private func runCrossEntropy(_ counters: inout WorkCounters, _ lossScaleFactor: Double) {
    switch self {
    case .logitsMax(let logits, let maximum):
      CrossEntropy.rowMax(
        logits.logits, shard: logits.shard, into: maximum, rows: logits.rows, as: logits.format,
        counters: &counters)
    case .logitsSums(let logits, let maximum, let sum, let labelLogit):
      CrossEntropy.rowSums(
        logits.logits, shard: logits.shard, labels: logits.labels, max: maximum, sum: sum,
        labelLogit: labelLogit, rows: logits.rows, as: logits.format, counters: &counters)
    case .crossEntropyLoss(let loss): loss.run()
    case .crossEntropyBackward(let logits, let maximum, let sum, let scale, let labels):
      let valid = labels.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) }
      CrossEntropy.backward(
        logits.logits, shard: logits.shard, labels: logits.labels, max: maximum, sum: sum,
        scale: valid == 0 ? 0 : Float(scale * lossScaleFactor / Double(valid)),
        rows: logits.rows, as: logits.format, counters: &counters)
    default: preconditionFailure("not a cross entropy")
    }
  }
}

extension Instruction.Move {
  fileprivate func run(_ context: inout WorkerContext) {
    memcpy(to, from, bytes)
    switch route {
    case .hostToTiles, .tilesToHost: context.hostBytes += bytes
    case .streamingToTiles: context.loadBytes += bytes
    case .tilesToStreaming: context.storeBytes += bytes
    case .tiles: break
    }
  }
}

extension Instruction.Dropping {
  /// The dropout of this step, of a head and sequence of this part.
  fileprivate func dropout(head: Int = 0, sequence: Int = 0) -> Dropout {
    Dropout(
      probability: probability, seed: seed, step: Int(schedule[1]), site: site, layer: layer,
      head: self.head + head, sequence: self.sequence + sequence)
  }
}

extension Instruction.AttentionPart {
  fileprivate func dropout(of unit: Int) -> Dropout? {
    dropping?.pointee.dropout(head: unit % shape.heads, sequence: unit / shape.heads)
  }
}

extension Instruction.Slice {
  fileprivate func run() {
    memcpy(to, from, bytes)
    memset(to + bytes, 0, zeros)
  }
}

extension Instruction.CollectivePart {
  fileprivate func run(_ bytes: inout CollectiveBytes) {
    switch kind {
    case .allReduceSum: buffers.allReduceSum(part, counting: &bytes)
    case .allReduceMax: buffers.allReduceMax(part, counting: &bytes)
    case .reduceScatter:
      buffers.reduceScatter(part, offset: offset, count: count, counting: &bytes)
    case .allGather: buffers.allGather(part, offset: offset, count: count, counting: &bytes)
    case .broadcast: buffers.broadcast(part, counting: &bytes)
    case .send: buffers.send(part, counting: &bytes)
    }
  }
}

extension Instruction.Product {
  fileprivate func run(_ counters: inout WorkCounters) {
    GEMM.multiply(
      a, b, into: c, stride: stride, rows: rows, columns: columns, inner: inner,
      accumulate: accumulates, backend: library, counters: &counters)
  }
}

extension Instruction.Sum {
  fileprivate func run(_ counters: inout WorkCounters) {
    if let c {
      Elementwise.add(a, b, c, into: to, count: count, as: format, counters: &counters)
    } else {
      Elementwise.add(a, b, into: to, count: count, as: format, counters: &counters)
    }
  }
}

extension Instruction.RotaryShape {
  /// Rotates q, then k, which follows it in the same rows.
  fileprivate func run(
    _ rows: Instruction.Rows, _ places: Instruction.Integers?, _ counters: inout WorkCounters
  ) {
    rotate(rows, places, column: 0, &counters)
    rotate(rows, places, column: heads * headSize, &counters)
  }

  private func rotate(
    _ rows: Instruction.Rows, _ places: Instruction.Integers?, column: Int,
    _ counters: inout WorkCounters
  ) {
    Rotary.apply(
      rows.matrix, stride: rows.width, column: column, heads: heads, headDim: headSize,
      rotaryDim: size, table: table, sequence: sequence, places: places, rows: rows.rows,
      inverse: isInverse, as: rows.format, counters: &counters)
  }
}

extension Instruction.CachePart {
  /// Goes head by head, so that a lane's rows of one head share its keys.
  fileprivate func attend(
    _ cache: Instruction.Floats, into output: Instruction.MutableFloats,
    _ context: inout WorkerContext
  ) {
    var unit = part.lowerBound
    var pairs = 0
    while unit < part.upperBound {
      let first = unit % rows
      let count = min(rows - first, part.upperBound - unit)
      pairs += shape.attend(
        qkv, cache: cache, places: places, into: output, rows: first..<first + count,
        head: unit / rows, scratch: context.scratch, counters: &context.kernels)
      unit += count
    }
    let absent = part.count * shape.capacity - pairs
    context.unneeded += WorkCounters(flops: 4 * shape.headDim * absent, elements: absent)
  }
}

extension Instruction.Loss {
  fileprivate func run() {
    let (total, valid) = CrossEntropy.loss(
      labels: labels, max: max, sum: sum, labelLogit: labelLogit, rows: tokens)
    into.pointee = valid == 0 ? 0 : Float(total / Double(valid))
  }
}

extension Instruction.Update {
  /// Leaves everything as it is in a step whose gradient is not finite: its scale is 0.
  fileprivate func run(_ context: inout WorkerContext) {
    guard gradientScale[0] != 0 else {
      context.unneeded += WorkCounters(flops: 0, elements: count)
      return
    }
    let step = AdamW(
      learningRate: Double(schedule[0]), beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weightDecay, step: Int(schedule[1]), gradientScale: Double(gradientScale[0]))
    guard let rounding = rounding?.pointee else {
      return step.update(
        self, 0..<count, firstMoment.assumingMemoryBound(to: Float.self),
        secondMoment.assumingMemoryBound(to: Float.self),
        gradient.assumingMemoryBound(to: Float.self), &context.kernels)
    }
    func random(_ stream: UInt64) -> StochasticRounding {
      StochasticRounding(seed: 0, step: Int(schedule[1]), stream: stream)
    }
    step.updateBlocks(
      firstMoment: firstMoment, secondMoment: secondMoment, moments: momentFormat,
      gradient: gradient, as: gradientFormat, first: rounding.first, count: count,
      rounding: random(rounding.secondMoment),
      scratch: context.scratch.assumingMemoryBound(to: Float.self)
    ) { block, firstMoment, secondMoment, gradient, room in
      guard weightFormat == .float16 else {
        return step.update(
          self, block, firstMoment, secondMoment, gradient, &context.kernels)
      }
      step.update(
        halves: weight + block.lowerBound * 2, firstMoment: firstMoment,
        secondMoment: secondMoment, gradient: gradient, first: rounding.first + block.lowerBound,
        count: block.count, rounding: rounding.weight.map(random), room: room,
        counters: &context.kernels)
    }
  }
}

extension AdamW {
  /// The weights of this range, float32 or in two halves, by moments and a gradient that start where it
  /// does.
  fileprivate func update(
    _ operands: Instruction.Update, _ range: Range<Int>,
    _ firstMoment: UnsafeMutablePointer<Float>, _ secondMoment: UnsafeMutablePointer<Float>,
    _ gradient: UnsafePointer<Float>, _ counters: inout WorkCounters
  ) {
    if let low = operands.low {
      return update(
        weights: operands.weight.assumingMemoryBound(to: UInt16.self) + range.lowerBound,
        low: low + range.lowerBound, firstMoment: firstMoment, secondMoment: secondMoment,
        gradient: gradient, count: range.count, counters: &counters)
    }
    update(
      weights: operands.weight.assumingMemoryBound(to: Float.self) + range.lowerBound,
      firstMoment: firstMoment, secondMoment: secondMoment, gradient: gradient,
      count: range.count, counters: &counters)
  }
}

extension Instruction.GatheredLogits {
  /// Shards follow each other, each `rows` x `columns`; the last ones may be padding.
  fileprivate func run(_ counters: inout WorkCounters) {
    for row in part {
      var best: ArgMax?
      for shard in 0..<shards {
        let first = shard * columns
        let valid = Swift.max(0, Swift.min(columns, vocabulary - first))
        guard valid > 0 else { continue }
        let candidate = ArgMax(
          logits + (shard * rows + row) * columns * format.bytes,
          shard: LogitsShard(
            stride: columns, columns: columns, validColumns: valid, firstColumn: first),
          as: format, counters: &counters)
        best = best?.merged(with: candidate) ?? candidate
      }
      into[row] = Int32(best?.token ?? 0)
    }
  }
}
