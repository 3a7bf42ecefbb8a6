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

  // MARK: Its shards over replicas

  private func scatter(
    _ local: [Float], _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, _ suffix: String,
    to emulator: Emulator
  ) {
    forEachShard(parameter, layer, tensorIndex, suffix, emulator) { memory, isHalf, range in
      if isHalf {
        let memory = memory.bindMemory(to: UInt16.self)
        for (index, source) in range.enumerated() {
          memory[index] = source < local.count ? FloatType.bfloat16.bits(local[source]) : 0
        }
      } else {
        let memory = memory.bindMemory(to: Float.self)
        for (index, source) in range.enumerated() {
          memory[index] = source < local.count ? local[source] : 0
        }
      }
    }
  }

  private func gather(
    _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, suffix: String,
    from emulator: Emulator
  ) -> [Float] {
    var local = [Float](repeating: 0, count: parameter.count)
    forEachShard(parameter, layer, tensorIndex, suffix, emulator) { memory, isHalf, range in
      let (halves, floats) = (memory.bindMemory(to: UInt16.self), memory.bindMemory(to: Float.self))
      for (index, target) in range.enumerated() where target < local.count {
        local[target] =
          isHalf ? Float(bitPattern: UInt32(halves[index]) << 16) : floats[index]
      }
    }
    return local
  }

  private func forEachShard(
    _ parameter: Parameter, _ layer: Int, _ tensorIndex: Int, _ suffix: String,
    _ emulator: Emulator,
    _ body: (
      _ memory: UnsafeMutableRawBufferPointer, _ isHalf: Bool, _ elements: Range<Int>
    ) -> Void
  ) {
    guard let tensor = emulator.program.tensor(named: parameter.name + suffix) else {
      preconditionFailure("the Program has no \(parameter.name)\(suffix)")
    }
    let group = parameter.shardingGroup
    let shard = emulator.program[tensor].count
    // What no rank of the group holds a part of, each of them holds whole.
    let isShared = emulator.program[tensor].differsOver
      .subtracting(parameter.differsOver.union(.pipeline)).isEmpty
    let place = parameters.place(
      of: parameter, layer: layer, stages: mesh.pipelineParallel, layers: model.layers)
    let anchor = mesh.rank(data: 0, stage: place.stage, tensor: tensorIndex)
    for rank in mesh.members(of: group, with: anchor) {
      let first = isShared ? 0 : mesh.index(of: rank, in: group) * shard
      let memory = emulator.memory(of: tensor, instance: place.instance, rank: rank)
      let isHalf = emulator.program[tensor].elementType == .bfloat16
      body(memory, isHalf, first..<first + shard)
    }
  }

  private func layers(of parameter: Parameter) -> Range<Int> {
    0..<(parameter.isPerLayer ? model.layers : 1)
  }

  private func name(_ template: String, _ layer: Int) -> String {
    template.replacing(".N.", with: ".\(layer).")
  }
}
