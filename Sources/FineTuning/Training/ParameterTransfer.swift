package import Checkpoints
package import Emulator
package import GPTJ
package import Program

/// Moves parameters between full tensors under Hugging Face's names and an emulator's shards.
package struct ParameterTransfer {
  package let model: GPTJModel
  package let parameters: ParameterSet
  private let mesh: Mesh

  package init(model: GPTJModel, mesh: Mesh, lora: LoRA? = nil) {
    self.model = model
    self.mesh = mesh
    parameters = ParameterSet(model, tensorParallel: mesh.tensorParallel, lora: lora)
  }

  /// Writes every parameter, or `some` of them, into the emulator's streaming memory, padding with
  /// zeros.
  ///
  /// `tensor` is asked for each full tensor once, row-major `[out, in]`; one is held at a time.
  /// `suffix` names what belongs to the parameter instead, such as `.first_moment`.
  package func write(
    _ some: [Parameter]? = nil, to emulator: Emulator, suffix: String = "",
    _ tensor: (_ name: String) throws -> [Float]
  ) rethrows {
    for parameter in some ?? parameters.all {
      for layer in layers(of: parameter) {
        let sources = try parameter.huggingFaceNames.map { try tensor(name($0, layer)) }
        for tensorIndex in 0..<mesh.tensorParallel {
          let local = cut(sources, parameter, tensorIndex)
          scatter(local, parameter, layer, tensorIndex, suffix, to: emulator)
        }
      }
    }
  }

  /// One full tensor by its Hugging Face name, or what belongs to it.
  package func values(
    of name: String, suffix: String = "", from emulator: Emulator
  ) -> [Float] {
    let (parameter, source, layer) = place(of: name)
    let locals = (0..<mesh.tensorParallel).map {
      gather(parameter, layer, $0, suffix: suffix, from: emulator)
    }
    return join(locals, parameter, layer)[source].values
  }

  /// Elements of one full tensor by its Hugging Face name.
  package func count(of name: String) -> Int {
    place(of: name).parameter.fullShape.reduce(1, *)
  }

  /// Which of a parameter's tensors has this name, and in which layer; the first for one without.
  private func place(of name: String) -> (parameter: Parameter, source: Int, layer: Int) {
    var parts = name.split(separator: ".").map(String.init)
    var layer = 0
    if let index = parts.firstIndex(where: { Int($0) != nil }) {
      layer = Int(parts[index]) ?? 0
      parts[index] = "N"
    }
    let template = parts.joined(separator: ".")
    for parameter in parameters.all {
      if let source = parameter.huggingFaceNames.firstIndex(of: template),
        layers(of: parameter).contains(layer)
      {
        return (parameter, source, layer)
      }
    }
    preconditionFailure("the model has no \(name)")
  }

  /// Names and shapes of the full tensors of some parameters, in the order of the model.
  package func shapes(_ some: [Parameter]) -> [TensorShape] {
    some.flatMap { parameter in
      layers(of: parameter).flatMap { layer in
        parameter.huggingFaceNames.map {
          TensorShape(name: name($0, layer), shape: parameter.fullShape)
        }
      }
    }
  }

  /// Every parameter, or `some` of them, as full tensors, in the order of the model; `suffix` names
  /// what belongs to those that are trained instead, such as `.gradient`.
  package func read(
    _ some: [Parameter]? = nil, from emulator: Emulator, suffix: String = ""
  ) -> [(name: String, shape: [Int], values: [Float])] {
    (some ?? (suffix.isEmpty ? parameters.all : parameters.trained)).flatMap { parameter in
      layers(of: parameter).flatMap { layer in
        join(
          (0..<mesh.tensorParallel).map {
            gather(parameter, layer, $0, suffix: suffix, from: emulator)
          }, parameter, layer)
      }
    }
  }

  /// Joins the parts of all tensor-parallel ranks of one parameter into its full tensors.
  package func join(
    _ locals: [[Float]], _ parameter: Parameter, _ layer: Int
  ) -> [(name: String, shape: [Int], values: [Float])] {
    let count = parameter.fullShape.reduce(1, *)
    var full = parameter.huggingFaceNames.map { _ in [Float](repeating: 0, count: count) }
    for (tensorIndex, local) in locals.enumerated() {
      forEachRow(parameter, tensorIndex) { source, fullRange, localRange in
        full[source].replaceSubrange(fullRange, with: local[localRange])
      }
    }
    return zip(parameter.huggingFaceNames, full).map {
      (name($0, layer), parameter.fullShape, $1)
    }
  }

  // MARK: One rank's part

  private func cut(_ sources: [[Float]], _ parameter: Parameter, _ tensorIndex: Int) -> [Float] {
    var local = [Float](repeating: 0, count: parameter.count)
    forEachRow(parameter, tensorIndex) { source, fullRange, localRange in
      local.replaceSubrange(localRange, with: sources[source][fullRange])
    }
    return local
  }

  /// Calls `body` for every run of elements that is contiguous on both sides.
  private func forEachRow(
    _ parameter: Parameter, _ tensorIndex: Int,
    _ body: (_ source: Int, _ full: Range<Int>, _ local: Range<Int>) -> Void
  ) {
    let fullColumns = parameter.fullShape.count > 1 ? parameter.fullShape[1] : 1
    let columns = parameter.shape.count > 1 ? parameter.shape[1] : 1
    for region in parameter.regions(tensorIndex: tensorIndex) {
      for row in 0..<region.rows {
        let full = (region.sourceRow + row) * fullColumns + region.sourceColumn
        let local = (region.row + row) * columns
        body(region.source, full..<full + region.columns, local..<local + region.columns)
      }
    }
  }

  // MARK: Single elements

  /// Elements of a parameter that its first rank keeps in streaming memory, padding included.
  package func keptElements(of parameter: Parameter, in emulator: Emulator) -> Int {
    ["", ".first_moment"].map { emulator.program[tensor(parameter, $0, emulator)].count }.min() ?? 0
  }

  /// Some of them, by their place there, or of what belongs to the parameter.
  package func elements(
    _ places: [Int], of parameter: Parameter, layer: Int, suffix: String = "",
    from emulator: Emulator
  ) -> [Float] {
    let holder = holder(of: parameter, layer: layer, tensorIndex: 0)
    func read<Stored, Value>(
      _ suffix: String, as type: Stored.Type, _ value: (Stored) -> Value
    ) -> [Value] {
      let memory = emulator.memory(
        of: tensor(parameter, suffix, emulator), instance: holder.instance, rank: holder.anchor
      ).bindMemory(to: type)
      return places.map { value(memory[$0]) }
    }
    let type = FloatType(emulator.program[tensor(parameter, suffix, emulator)].elementType)
    guard type != .float32 else { return read(suffix, as: Float.self) { $0 } }
    guard suffix.isEmpty, isSplit(parameter, emulator) else {
      return read(suffix, as: UInt16.self) { type.value(of: $0) }
    }
    return zip(
      read(suffix, as: UInt16.self) { $0 }, read(Self.low, as: Int16.self) { $0 }
    ).map { SplitFloat(upper: $0, lower: $1).value }
  }

  // MARK: Its shards over replicas

  private func scatter(
    _ local: [Float], _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, _ suffix: String,
    to emulator: Emulator
  ) {
    let isSplit = suffix.isEmpty && isSplit(parameter, emulator)
    forEachShard(parameter, layer, tensorIndex, suffix, emulator) { memory, type, range in
      if type != .float32 {
        let memory = memory.bindMemory(to: UInt16.self)
        for (index, source) in range.enumerated() {
          let value = source < local.count ? local[source] : 0
          memory[index] = isSplit ? SplitFloat(value).upper : type.bits(value)
        }
      } else {
        let memory = memory.bindMemory(to: Float.self)
        for (index, source) in range.enumerated() {
          memory[index] = source < local.count ? local[source] : 0
        }
      }
    }
    guard isSplit else { return }
    forEachShard(parameter, layer, tensorIndex, Self.low, emulator) { memory, _, range in
      let memory = memory.bindMemory(to: Int16.self)
      for (index, source) in range.enumerated() {
        memory[index] = source < local.count ? SplitFloat(local[source]).lower : 0
      }
    }
  }

  private func gather(
    _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, suffix: String,
    from emulator: Emulator
  ) -> [Float] {
    var local = [Float](repeating: 0, count: parameter.count)
    forEachShard(parameter, layer, tensorIndex, suffix, emulator) { memory, type, range in
      let (halves, floats) = (memory.bindMemory(to: UInt16.self), memory.bindMemory(to: Float.self))
      for (index, target) in range.enumerated() where target < local.count {
        local[target] = type == .float32 ? floats[index] : type.value(of: halves[index])
      }
    }
    guard suffix.isEmpty, isSplit(parameter, emulator) else { return local }
    forEachShard(parameter, layer, tensorIndex, Self.low, emulator) { memory, _, range in
      let lower = memory.bindMemory(to: Int16.self)
      for (index, target) in range.enumerated() where target < local.count {
        let upper = UInt16(local[target].bitPattern >> 16)
        local[target] = SplitFloat(upper: upper, lower: lower[index]).value
      }
    }
    return local
  }

  private static let low = ".low"

  /// Whether a bfloat16 weight has the rest of its float32 beside it.
  private func isSplit(_ parameter: Parameter, _ emulator: Emulator) -> Bool {
    emulator.program.tensor(named: parameter.name + Self.low) != nil
  }

  private func forEachShard(
    _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, _ suffix: String,
    _ emulator: Emulator,
    _ body: (
      _ memory: UnsafeMutableRawBufferPointer, _ type: FloatType, _ elements: Range<Int>
    ) -> Void
  ) {
    let tensor = tensor(parameter, suffix, emulator)
    let group = parameter.shardingGroup
    let shard = emulator.program[tensor].count
    // What no rank of the group holds a part of, each of them holds whole.
    let isShared = emulator.program[tensor].differsOver
      .subtracting(parameter.differsOver.union(.pipeline)).isEmpty
    let holder = holder(of: parameter, layer: layer, tensorIndex: tensorIndex)
    for rank in mesh.members(of: group, with: holder.anchor) {
      let first = isShared ? 0 : mesh.index(of: rank, in: group) * shard
      let memory = emulator.memory(of: tensor, instance: holder.instance, rank: rank)
      body(memory, FloatType(emulator.program[tensor].elementType), first..<first + shard)
    }
  }

  private func tensor(
    _ parameter: Parameter, _ suffix: String, _ emulator: Emulator
  ) -> TensorID {
    guard let tensor = emulator.program.tensor(named: parameter.name + suffix) else {
      preconditionFailure("the Program has no \(parameter.name)\(suffix)")
    }
    return tensor
  }

  /// The first replica's rank of a tensor-parallel group that has a layer's parameter, and which
  /// instance it is there.
  private func holder(
    of parameter: Parameter, layer: Int, tensorIndex: Int
  ) -> (anchor: Int, instance: Int) {
    let place = parameters.place(
      of: parameter, layer: layer, stages: mesh.pipelineParallel, layers: model.layers)
    return (mesh.rank(data: 0, stage: place.stage, tensor: tensorIndex), place.instance)
  }

  /// Its layers; one for a parameter that is none's.
  package func layers(of parameter: Parameter) -> Range<Int> {
    0..<(parameter.isPerLayer ? model.layers : 1)
  }

  private func name(_ template: String, _ layer: Int) -> String {
    template.replacing(".N.", with: ".\(layer).")
  }
}

extension FloatType {
  /// What holds weights and what belongs to them; an int16 beside them is no float, and not asked for.
  fileprivate init(_ type: ElementType) {
    self =
      switch type {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32, .int32, .int16: .float32
      }
  }
}

/// A float32 as the bfloat16 next to it, ties away from zero, and how far off that is in units of
/// its last place: what `AdamW` keeps of a weight.
private struct SplitFloat {
  let upper: UInt16
  let lower: Int16

  init(_ value: Float) {
    let bits = value.bitPattern
    upper = UInt16(truncatingIfNeeded: (bits &+ 0x8000) >> 16)
    lower = Int16(truncatingIfNeeded: bits &- UInt32(upper) << 16)
  }

  init(upper: UInt16, lower: Int16) {
    self.upper = upper
    self.lower = lower
  }

  var value: Float {
    Float(bitPattern: UInt32(upper) << 16 &+ UInt32(bitPattern: Int32(lower)))
  }
}
