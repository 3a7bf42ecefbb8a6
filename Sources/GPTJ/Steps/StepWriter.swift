import Program

/// What every layer needs to write its part of a step: the builder, the sizes, and the storage.
final class StepWriter {
  let builder: ProgramBuilder
  let model: GPTJModel
  let plan: ParallelPlan
  let parameters: ParameterSet
  /// The adapters that are trained instead of the weights, if any.
  let lora: LoRA?
  /// Element type of weights and activations, and of gradients unless it is bfloat16: these add up in
  /// float32 then.
  let type: ElementType
  /// Streaming-memory tensors of each parameter, by its name.
  private var storage: [String: ParameterStorage] = [:]

  init(
    name: String, model: GPTJModel, plan: ParallelPlan, type: ElementType, lora: LoRA? = nil
  ) {
    builder = ProgramBuilder(name: name, mesh: plan.mesh)
    self.model = model
    self.plan = plan
    self.type = type
    self.lora = lora
    parameters = ParameterSet(
      model, tensorParallel: plan.tensorParallel, lora: lora,
      shardsSequence: plan.rewrites.shardsSequence && plan.tensorParallel > 1)
  }

  /// Whether layers are spread over stages, each of which keeps its own on the tiles.
  var isPipelined: Bool { plan.pipelineParallel > 1 }

  /// Layers of one stage: of the model where there is no pipeline.
  var layers: Int { model.layers / plan.pipelineParallel }

  /// Tokens of one micro-batch.
  var tokens: Int { plan.microBatchSize * model.sequenceLength }

  var attention: Operation.Attention {
    Operation.Attention(
      heads: model.heads / plan.tensorParallel, headSize: model.headSize,
      sequence: model.sequenceLength, serialisation: plan.attentionSerialisation)
  }

  /// Whether a group has anyone to talk to.
  func isParallel(_ group: ProcessGroup) -> Bool { plan.mesh.size(of: group) > 1 }
}

/// Where a parameter and what belongs to it stay between phases: flat shards over its group.
struct ParameterStorage {
  let weight: TensorID
  let gradient: TensorID
  let firstMoment: TensorID
  let secondMoment: TensorID
  /// What a bfloat16 weight lacks of its float32, where the optimizer updates it.
  var low: TensorID?
}

extension StepWriter {
  /// Declares the weights in streaming memory, and gradients and moments of what the step trains.
  func declareStorage(training: Bool) {
    let trained = Set(training ? parameters.trained.map(\.name) : [])
    for parameter in parameters.all {
      let isTrained = trained.contains(parameter.name)
      let weight = declare(
        parameter, "", weightType(of: parameter, isTrained: isTrained),
        isWhole: holdsWholeWeights(parameter))
      func state(_ suffix: String, _ type: ElementType) -> TensorID {
        declare(parameter, suffix, type, isWhole: holdsWholeState(parameter))
      }
      let atRest: ElementType? = plan.rewrites.storesStateAsBFloat16 ? .bfloat16 : nil
      storage[parameter.name] =
        isTrained
        ? ParameterStorage(
          weight: weight,
          gradient: state(".gradient", type == .float16 ? type : atRest ?? gradientType),
          firstMoment: state(".first_moment", atRest ?? .float32),
          secondMoment: state(".second_moment", atRest ?? .float32),
          low: builder[TensorReference(weight)].elementType == .bfloat16
            ? state(".low", .int16) : nil)
        : ParameterStorage(
          weight: weight, gradient: weight, firstMoment: weight, secondMoment: weight)
    }
  }

  /// Norms and biases keep their precision: they are few, and their rounding would show.
  private func weightType(of parameter: Parameter, isTrained: Bool) -> ElementType {
    let isVector = parameter.fullShape.count == 1
    if type == .bfloat16 { return isVector ? .float32 : .bfloat16 }
    if isVector || isTrained || type != .float32 { return type }
    return lora?.storesFrozenAsBFloat16 == true ? .bfloat16 : type
  }

  var gradientType: ElementType { type == .bfloat16 ? .float32 : type }

  func stored(_ parameter: Parameter) -> ParameterStorage {
    guard let found = storage[parameter.name] else {
      preconditionFailure("\(parameter.name) has no storage")
    }
    return found
  }

  /// Elements of a rank's flat shard of a parameter.
  func shardCount(_ parameter: Parameter) -> Int {
    parameter.count.shard(of: plan.mesh.size(of: parameter.shardingGroup))
  }

  /// Whether a rank's streaming memory has its whole part of a weight, no other holding some of it.
  func holdsWholeWeights(_ parameter: Parameter) -> Bool {
    !isParallel(parameter.shardingGroup)
      || isParallel(.data) && plan.rewrites.stateSharding != .all
  }

  /// The same of gradients and moments.
  func holdsWholeState(_ parameter: Parameter) -> Bool {
    !isParallel(parameter.shardingGroup)
      || isParallel(.data) && plan.rewrites.stateSharding == .none
  }

  private func declare(
    _ parameter: Parameter, _ suffix: String, _ type: ElementType, isWhole: Bool
  ) -> TensorID {
    builder.declare(
      parameter.name + suffix, [isWhole ? parameter.count : shardCount(parameter)], type,
      in: .streaming,
      differsOver: isWhole
        ? parameter.differsOver
        : parameter.differsOver.union(AxisSet(parameter.shardingGroup)),
      instances: parameter.isPerLayer ? [layers] : [])
  }
}
