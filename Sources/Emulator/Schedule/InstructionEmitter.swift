import Kernels
import Program

/// Resolves one operation's operands for one rank, and makes the instruction of each part of it.
struct InstructionEmitter {
  let lowering: Lowering
  let operation: Operation
  let rank: Int

  private var mesh: Mesh { lowering.program.mesh }
  private func input(_ index: Int) -> Tensor { lowering.program[operation.inputs[index]] }
  private func output(_ index: Int = 0) -> Tensor { lowering.program[operation.outputs[index]] }

  private func raw(_ reference: TensorReference) -> UnsafeMutableRawPointer {
    lowering.storage.address(lowering.buffer(reference, rank: rank))
  }
  private func read(_ index: Int) -> UnsafePointer<Float> {
    UnsafePointer(raw(operation.inputs[index]).assumingMemoryBound(to: Float.self))
  }
  private func integers(_ index: Int) -> UnsafePointer<Int32> {
    UnsafePointer(raw(operation.inputs[index]).assumingMemoryBound(to: Int32.self))
  }
  private func write(_ index: Int = 0) -> UnsafeMutablePointer<Float> {
    raw(operation.outputs[index]).assumingMemoryBound(to: Float.self)
  }
  /// Operands of the format that the instruction says.
  private func source(_ index: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(raw(operation.inputs[index]))
  }
  private var target: UnsafeMutableRawPointer { raw(operation.outputs[0]) }

  /// The instruction for these rows (or units, or columns) of the operation.
  func instruction(_ part: Range<Int>) -> Instruction {
    switch operation.kind {
    case .hostLoad: move(.hostToTiles, part)
    case .hostStore: move(.tilesToHost, part)
    case .load:
      input(0).elementType == output().elementType ? move(.streamingToTiles, part) : widen(part)
    case .store:
      input(0).elementType == output().elementType ? move(.tilesToStreaming, part) : narrow(part)
    case .copy, .receive: move(.tiles, part)
    case .takeChunk(let chunk): take(part, chunk)
    case .putChunk(let chunk): put(part, chunk)
    case .zero: zero(part)
    case .slice(let group): slice(part, group)
    case .matmul: product(rows: part, columns: 0..<output().columns)
    case .add: add(part)
    case .addBias: .addBias(rows(part), bias: source(1))
    case .addScaledColumns(let factor, let first):
      .addScaledColumns(columns(part, of: 1, to: first), factor: Float(factor))
    case .scaledColumns(let factor, let first):
      .scaledColumns(columns(part, of: 0, from: first), factor: Float(factor))
    case .biasGradient: .biasGradient(allRows, into: target, columns: part)
    case .dropout(let dropout): self.dropout(part, dropout)
    case .gelu: .gelu(at(part, 0), into: at(part), count: elements(part), input(0).format)
    case .geluBackward:
      .geluBackward(
        dg: at(part, 0), z: at(part, 1), into: at(part), count: elements(part), input(0).format)
    case .layerNorm, .layerNormBackward, .layerNormGradient: layerNorm(part)
    case .rotary(let rotary, let shape, let inverse): self.rotary(part, rotary, shape, inverse)
    case .attention(let shape):
      .attention(attention(part, shape, .forward), output: target, logSumExp: write(1))
    case .attentionBackward(let shape):
      .attentionBackward(
        attention(part, shape, .backward), output: source(1), logSumExp: read(2),
        dOutput: source(3), into: target)
    case .embed: .embed(lookup(table: input(1)), table: source(1), into: target, tokens: part)
    case .embedBackward:
      .embedBackward(
        lookup(table: output()), dx: source(1), tokens: input(0).count, into: target, rows: part)
    case .logitsMax, .logitsSums, .crossEntropyLoss, .crossEntropyBackward: crossEntropy(part)
    case .gradientScale, .adamW: optimizer(part)
    case .selectRows:
      .selectRows(
        source(0), rowBytes: input(0).columns * input(0).elementType.bytes, numbers: integers(1),
        rows: part, into: target)
    case .argmax(let vocabulary): argmax(part, vocabulary)
    case .cacheAppend(let shape):
      .cacheAppend(cachePart(part, shape, places: 1), cache: write())
    case .cachedAttention(let shape):
      .cachedAttention(cachePart(part, shape, places: 2), cache: read(1), output: write())
    case .collective, .send: preconditionFailure("collectives are lowered for their group")
    case .sumOfSquares: preconditionFailure("a sum of squares is lowered in two parts")
    case .elementwise(let function): preconditionFailure("\(function) is timed only, never run")
    }
  }

  // MARK: Ranges

  private func elements(_ part: Range<Int>) -> Int { part.count * output().cutColumns }
  /// Where these rows of an input start.
  private func at(_ part: Range<Int>, _ index: Int) -> UnsafeRawPointer {
    source(index) + part.lowerBound * input(index).cutBytes
  }
  /// Where these rows of the output start.
  private func at(_ part: Range<Int>) -> UnsafeMutableRawPointer {
    target + part.lowerBound * output().cutBytes
  }
  private func rows(_ part: Range<Int>) -> Instruction.Rows {
    precondition(operation.inputs[0] == operation.outputs[0], "\(operation.kind.name) is in place")
    return Instruction.Rows(
      matrix: target, width: output().columns, rows: part, format: output().format)
  }
  /// The whole of the first operand, which is only read.
  private var allRows: Instruction.Rows {
    Instruction.Rows(
      matrix: raw(operation.inputs[0]), width: input(0).columns, rows: 0..<input(0).rows,
      format: input(0).format)
  }

  // MARK: Movement

  private func move(_ route: Instruction.Move.Route, _ part: Range<Int>) -> Instruction {
    let rowBytes = output().cutColumns * output().elementType.bytes
    return .move(
      Instruction.Move(
        route: route, from: raw(operation.inputs[0]) + part.lowerBound * rowBytes,
        to: raw(operation.outputs[0]) + part.lowerBound * rowBytes, bytes: part.count * rowBytes))
  }

  private func take(_ part: Range<Int>, _ chunk: Operation.RowChunk) -> Instruction {
    let first = lowering.value(of: chunk.index) * output().cutRows
    return .move(
      Instruction.Move(
        route: .tiles, from: at(first + part.lowerBound..<first + part.upperBound, 0),
        to: at(part), bytes: part.count * output().cutBytes))
  }

  private func put(_ part: Range<Int>, _ chunk: Operation.RowChunk) -> Instruction {
    let first = lowering.value(of: chunk.index) * input(0).cutRows
    return .move(
      Instruction.Move(
        route: .tiles, from: at(part, 0),
        to: at(first + part.lowerBound..<first + part.upperBound),
        bytes: part.count * output().cutBytes))
  }

  private func widen(_ part: Range<Int>) -> Instruction {
    let first = part.lowerBound * output().cutColumns
    return .widen(
      source(0) + first * input(0).elementType.bytes, into: write() + first,
      count: elements(part), input(0).format)
  }

  private func narrow(_ part: Range<Int>) -> Instruction {
    let first = part.lowerBound * output().cutColumns
    return .narrow(
      read(0) + first, into: target + first * output().elementType.bytes, count: elements(part),
      output().format)
  }

  private func zero(_ part: Range<Int>) -> Instruction {
    let rowBytes = output().cutColumns * output().elementType.bytes
    return .zero(
      raw(operation.outputs[0]) + part.lowerBound * rowBytes, bytes: part.count * rowBytes)
  }

  private func slice(_ part: Range<Int>, _ group: ProcessGroup) -> Instruction {
    let offset = mesh.index(of: rank, in: group) * output().count
    let end = max(part.lowerBound, min(part.upperBound, input(0).count - offset))
    let bytes = output().elementType.bytes
    return .slice(
      Instruction.Slice(
        from: source(0) + min(offset + part.lowerBound, input(0).count) * bytes,
        to: target + part.lowerBound * bytes, bytes: (end - part.lowerBound) * bytes,
        zeros: (part.upperBound - end) * bytes))
  }

  // MARK: Arithmetic

  /// The instruction for this block of a product's result.
  func product(rows: Range<Int>, columns: Range<Int>) -> Instruction {
    guard case .matmul(let transposeA, let transposeB, let accumulate) = operation.kind else {
      preconditionFailure("\(operation.kind.name) is no product")
    }
    if input(0).elementType.isHalf { return halfProduct(rows: rows, columns: columns) }
    let (a, b) = (input(0), input(1))
    let startA = read(0) + rows.lowerBound * (transposeA ? 1 : a.columns)
    let startB = read(1) + columns.lowerBound * (transposeB ? b.columns : 1)
    return .gemm(
      Instruction.Product(
        a: MatrixOperand(startA, stride: a.columns, transposed: transposeA),
        b: MatrixOperand(startB, stride: b.columns, transposed: transposeB),
        c: write() + rows.lowerBound * output().columns + columns.lowerBound,
        stride: output().columns, rows: rows.count, columns: columns.count,
        inner: transposeA ? a.rows : a.columns, accumulates: accumulate,
        library: lowering.gemm))
  }

  private func halfProduct(rows: Range<Int>, columns: Range<Int>) -> Instruction {
    guard case .matmul(let transposeA, let transposeB, let accumulate) = operation.kind else {
      preconditionFailure("\(operation.kind.name) is no product")
    }
    let (a, b, c) = (input(0), input(1), output())
    let shape = HalfProductShape(
      rows: rows.count, columns: columns.count, inner: transposeA ? a.rows : a.columns,
      transposesA: transposeA, transposesB: transposeB, strideA: a.columns, strideB: b.columns,
      strideC: c.columns, result: c.format, accumulates: accumulate)
    let partials: WidenedProduct.Partials =
      a.format == .bfloat16 || operation.carrier == .float32 ? .single : .half
    return .halfProduct(
      Instruction.HalfOperands(
        product: Unmanaged.passUnretained(lowering.halfProduct(shape, of: a.format, partials)),
        a: source(0) + rows.lowerBound * (transposeA ? 1 : a.columns) * 2,
        b: source(1) + columns.lowerBound * (transposeB ? b.columns : 1) * 2,
        c: target + (rows.lowerBound * c.columns + columns.lowerBound) * c.elementType.bytes))
  }

  private func add(_ part: Range<Int>) -> Instruction {
    .add(
      Instruction.Sum(
        a: at(part, 0), b: at(part, 1), c: operation.inputs.count == 3 ? at(part, 2) : nil,
        to: at(part), count: elements(part), format: output().format))
  }

  /// These rows of the narrower operand, and of the wider one the columns from `from` or `to` on.
  private func columns(
    _ part: Range<Int>, of index: Int, from: Int = 0, to: Int = 0
  ) -> Instruction.Columns {
    let (narrow, wide) = (input(index), output())
    let bytes = wide.elementType.bytes
    return Instruction.Columns(
      from: source(index) + (part.lowerBound * narrow.columns + from) * bytes,
      fromStride: narrow.columns, to: target + (part.lowerBound * wide.columns + to) * bytes,
      toStride: wide.columns, rows: part.count, width: min(narrow.columns, wide.columns),
      format: wide.format)
  }

  private func layerNorm(_ part: Range<Int>) -> Instruction {
    func norm(_ x: Int, stats: UnsafeMutablePointer<Float>) -> Instruction.Norm {
      Instruction.Norm(
        x: source(x), stats: stats, rows: input(x).rows, width: input(x).columns, part: part,
        format: input(x).format)
    }
    func stats(_ index: Int) -> UnsafeMutablePointer<Float> {
      UnsafeMutablePointer(mutating: read(index))
    }
    switch operation.kind {
    case .layerNorm(let epsilon):
      return .layerNorm(
        norm(0, stats: write(1)), gain: source(1), bias: source(2), y: target,
        epsilon: Float(epsilon))
    case .layerNormBackward:
      return .layerNormBackward(
        norm(1, stats: stats(2)), dy: source(0), gain: source(3), dx: target)
    default:
      return .layerNormGradient(
        norm(1, stats: stats(2)), dy: source(0), dGain: target,
        dBias: raw(operation.outputs[1]))
    }
  }

  private func rotary(
    _ part: Range<Int>, _ rotary: Operation.Rotary, _ shape: Operation.Attention, _ inverse: Bool
  ) -> Instruction {
    .rotary(
      rows(part),
      Instruction.RotaryShape(
        heads: shape.heads, headSize: shape.headSize, size: rotary.size, sequence: shape.sequence,
        table: lowering.rotaryTable(rotary, sequence: shape.sequence), isInverse: inverse),
      places: operation.inputs.count > 1 ? integers(1) : nil)
  }

  private func attention(
    _ part: Range<Int>, _ shape: Operation.Attention, _ pass: Attention.Pass
  ) -> Instruction.AttentionPart {
    let kernel = Attention(
      sequence: shape.sequence, heads: shape.heads, headDim: shape.headSize)
    lowering.needScratch(
      pass == .forward ? kernel.forwardScratchBytes : kernel.backwardScratchBytes)
    return Instruction.AttentionPart(
      shape: kernel, qkv: source(0), units: part, format: input(0).format,
      dropping: shape.dropout.map { dropping($0, heads: shape.heads) })
  }

  /// Rows are numbered in the whole micro-batch, also where a rank holds only some of them.
  private func dropout(_ part: Range<Int>, _ dropout: Operation.Dropout) -> Instruction {
    let first = dropout.shards > 1 ? mesh.tensorIndex(of: rank) * input(0).rows : 0
    let before = first * output().cutBytes
    return .dropout(
      source(0) - before, dropping(dropout, heads: 0),
      into: Instruction.Rows(
        matrix: target - before, width: output().columns,
        rows: part.lowerBound + first..<part.upperBound + first, format: output().format))
  }

  /// The schedule is the last input, the rank's part of the batch as long as the first.
  private func dropping(
    _ dropout: Operation.Dropout, heads: Int
  ) -> UnsafePointer<Instruction.Dropping> {
    let batch =
      mesh.dataIndex(of: rank) * dropout.microBatches + lowering.value(of: dropout.microBatch)
    let dropping = Instruction.Dropping(
      probability: dropout.probability, seed: dropout.seed, site: dropout.site.rawValue,
      layer: lowering.value(of: dropout.layer), head: mesh.tensorIndex(of: rank) * heads,
      sequence: batch * (input(0).rows * dropout.shards / dropout.sequence),
      tokens: dropout.sequence,
      schedule: read(operation.inputs.count - 1))
    return lowering.tables.table([dropping])
  }

  private func cachePart(
    _ part: Range<Int>, _ shape: Operation.Attention, places: Int
  ) -> Instruction.CachePart {
    let kernel = CachedAttention(
      capacity: shape.sequence, heads: shape.heads, headDim: shape.headSize)
    lowering.needScratch(kernel.scratchBytes)
    return Instruction.CachePart(
      shape: kernel, qkv: read(0), places: integers(places), rows: input(0).rows, part: part)
  }

  // MARK: Vocabulary

  private func lookup(table: Tensor) -> Instruction.Lookup {
    let first = mesh.tensorIndex(of: rank) * table.rows
    return Instruction.Lookup(
      ids: integers(0), width: table.columns, shard: first..<first + table.rows,
      format: input(1).format)
  }

  private func logits(
    _ part: Range<Int>, vocabulary: Int, labels: UnsafePointer<Int32>
  ) -> Instruction.Logits {
    let columns = input(0).columns
    let first = mesh.tensorIndex(of: rank) * columns
    let shard = LogitsShard(
      stride: columns, columns: columns, validColumns: max(0, min(columns, vocabulary - first)),
      firstColumn: first)
    return Instruction.Logits(
      logits: raw(operation.inputs[0]), shard: shard, labels: labels, rows: part,
      format: input(0).format)
  }

  private func crossEntropy(_ part: Range<Int>) -> Instruction {
    switch operation.kind {
    case .logitsMax(let vocabulary):
      // The maximum needs no labels; any address stands for them.
      return .logitsMax(
        logits(part, vocabulary: vocabulary, labels: integers(0)), into: write())
    case .logitsSums(let vocabulary):
      return .logitsSums(
        logits(part, vocabulary: vocabulary, labels: integers(1)), max: read(2), sum: write(0),
        labelLogit: write(1))
    case .crossEntropyBackward(let vocabulary, let scale):
      return .crossEntropyBackward(
        logits(part, vocabulary: vocabulary, labels: integers(3)), max: read(1), sum: read(2),
        scale: scale,
        among: UnsafeBufferPointer(
          start: integers(operation.inputs.count - 1),
          count: input(operation.inputs.count - 1).count))
    default:
      return .crossEntropyLoss(
        Instruction.Loss(
          max: read(0), sum: read(1), labelLogit: read(2), labels: integers(3),
          tokens: input(3).count, into: write()))
    }
  }

  private func argmax(_ part: Range<Int>, _ vocabulary: Int) -> Instruction {
    let shape = input(0).shape
    let gathered = shape.count == 3 ? shape : [1] + shape
    return .argmax(
      Instruction.GatheredLogits(
        logits: source(0), format: input(0).format, shards: gathered[0], rows: gathered[1],
        columns: gathered[2],
        vocabulary: vocabulary, part: part,
        into: raw(operation.outputs[0]).assumingMemoryBound(to: Int32.self)))
  }

  // MARK: Optimizer

  private func optimizer(_ part: Range<Int>) -> Instruction {
    switch operation.kind {
    case .gradientScale(let clip, let lossScale):
      return .gradientScale(
        squares: read(0), scale: write(0), norm: write(1), clip: clip, lossScale: lossScale)
    case .adamW(let constants):
      let low =
        operation.outputs.count == 4
        ? raw(operation.outputs[3]).assumingMemoryBound(to: Int16.self) : nil
      let offset = part.lowerBound * input(0).cutColumns
      func moment(_ index: Int) -> UnsafeMutableRawPointer {
        raw(operation.outputs[index]) + offset * output(index).elementType.bytes
      }
      return .adamW(
        Instruction.Update(
          weight: at(part), weightFormat: output().format, low: low.map { $0 + offset },
          gradient: source(1) + offset * input(1).elementType.bytes,
          gradientFormat: input(1).format, firstMoment: moment(1), secondMoment: moment(2),
          momentFormat: output(2).format, rounding: rounding(constants, offset),
          gradientScale: read(4), schedule: read(5),
          count: elements(part), beta1: constants.beta1, beta2: constants.beta2,
          epsilon: constants.epsilon, weightDecay: constants.weightDecay))
    default: preconditionFailure("\(operation.kind.name) is no optimizer operation")
    }
  }

  /// Where the random bits of what rests in 16 bits come from; nil where nothing does.
  private func rounding(
    _ constants: Operation.AdamW, _ first: Int
  ) -> UnsafePointer<Instruction.Rounding>? {
    let isFloat16 = output().elementType == .float16
    guard isFloat16 || output(2).elementType == .bfloat16 else { return nil }
    lowering.needScratch(AdamW.blockScratch * MemoryLayout<Float>.size)
    return lowering.tables.table([
      Instruction.Rounding(
        weight: isFloat16 && constants.roundsStochastically
          ? lowering.stream(of: operation.outputs[0], rank: rank) : nil,
        secondMoment: lowering.stream(of: operation.outputs[2], rank: rank), first: first)
    ])
  }
}

extension Tensor {
  /// How kernels read it.
  var format: ElementFormat {
    switch elementType {
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .float32, .int32, .int16: .float32
    }
  }
  /// Bytes of what an operation on it is cut into.
  fileprivate var cutBytes: Int { cutColumns * elementType.bytes }
}
