import Configuration
import GPTJ
import Program
import Testing

@Suite("Low-rank adapters in the Program")
struct LoRATests {
  /// Every layer, by hand: inputs, outputs, and how many of 8 ranks share them.
  struct Layer: Sendable {
    var target: LoRA.Target
    var a: [Int]
    var b: [Int]
  }

  static let model = GPTJModel(
    layers: 3, hiddenSize: 64, heads: 8, vocabularySize: 403, sequenceLength: 13, rotarySize: 4,
    feedForwardSize: 192)

  /// One rank's matrices at TP8 and rank 5.
  static let layers = [
    Layer(target: .query, a: [5, 64], b: [8, 5]), Layer(target: .key, a: [5, 64], b: [8, 5]),
    Layer(target: .value, a: [5, 64], b: [8, 5]), Layer(target: .output, a: [5, 8], b: [64, 5]),
    Layer(target: .feedForwardIn, a: [5, 64], b: [24, 5]),
    Layer(target: .feedForwardOut, a: [5, 24], b: [64, 5]),
  ]

  static func program(
    _ lora: LoRA?, tensor: Int = 8, data: Int = 2, layers: Int = model.layers, batch: Int = 8,
    recompute: ParallelPlan.Recompute = .full
  ) throws -> Program {
    var model = model
    model.layers = layers
    var plan = try ParallelPlan.spread(
      batch, over: data, tensorParallel: tensor, microBatchSize: 1, model: model)
    plan.recompute = recompute
    return try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float32, lora: lora
    ).program()
  }

  static let everywhere = LoRA(rank: 5, alpha: 10, targets: LoRA.Target.allCases.reversed())

  @Test("One of the two matrices is split as its layer is, the other is whole on every rank")
  func shapes() {
    #expect(Self.everywhere.targets == LoRA.Target.allCases && Self.everywhere.scale == 2)
    let parameters = ParameterSet(Self.model, tensorParallel: 8, lora: Self.everywhere)
    for (pair, layer) in zip(parameters.adapters.pairs, Self.layers) {
      #expect(pair.target == layer.target)
      #expect(pair.a.shape == layer.a && pair.b.shape == layer.b, "\(layer.target)")
      for parameter in [pair.a, pair.b] {
        let isReplicated = parameter.partition == .replicated
        #expect(parameter.hasPartialGradient == isReplicated && parameter.isDecayed)
        #expect((parameter.shape == parameter.fullShape) == isReplicated)
      }
      let module = layer.target.rawValue.hasPrefix("fc") ? "mlp" : "attn"
      let stem = "transformer.h.N.\(module).\(layer.target.rawValue)"
      #expect(pair.a.huggingFaceNames == [stem + ".lora_A.weight"])
      #expect(pair.b.huggingFaceNames == [stem + ".lora_B.weight"])
    }
    #expect(parameters.trained == parameters.adapters.all && parameters.trained.count == 12)
    #expect(parameters.all == parameters.ofModel + parameters.adapters.all)
    #expect(parameters.ofModel == ParameterSet(Self.model, tensorParallel: 8).all)
    #expect(!parameters.ofModel.contains { $0.hasPartialGradient })
  }

  @Test("Parameters by formula: GPT-J 6B with rank 16 on q and v has 7,340,032")
  func counts() {
    // 28 layers x 2 targets x 16 x (4096 + 4096); peft's `print_trainable_parameters`.
    let usual = LoRA(rank: 16, alpha: 32, targets: [.query, .value])
    #expect(usual.parameterCount(of: gptj6B) == 7_340_032)
    let held = ParameterSet(Self.model, tensorParallel: 8, lora: Self.everywhere).adapters.all
      .reduce(0) { $0 + $1.fullShape.reduce(1, *) * Self.model.layers }
    #expect(held == Self.everywhere.parameterCount(of: Self.model))
    #expect(held == 3 * 5 * (8 * 64 + 2 * (64 + 192)))
  }

  /// What the adapters of all layers and ranks compute in a step, counted by hand.
  ///
  /// `forwards` passes over all layers, and `closing` over those that end a branch.
  private func adapterFlops(_ tensor: Int, tokens: Int, forwards: Int, closing: Int) -> Int {
    let (d, f, rank) = (64, 192, 5)
    // Each product with the replicated matrix is the whole of it on every rank. A stands in one
    // product a forward pass, and backward in one more of them, in its gradient's and in dx's.
    let column = (d * tensor, d)
    let row = (d, d * tensor)
    let layers = [
      (column, forwards), (column, forwards), (column, forwards), (row, closing),
      ((d * tensor, f), forwards), ((f, d * tensor), closing),
    ]
    return layers.reduce(0) { sum, layer in
      let (size, passes) = layer
      return sum + 2 * tokens * rank * ((passes + 3) * size.0 + (passes + 2) * size.1)
    } * Self.model.layers
  }

  @Test(
    "Work by formula: no weight gradients but the adapters'",
    arguments: ParallelPlan.Recompute.allCases, [1, 2, 8])
  func flops(recompute: ParallelPlan.Recompute, tensor: Int) throws {
    let program = try Self.program(Self.everywhere, tensor: tensor, recompute: recompute)
    let (d, f, tokens) = (64, 192, 8 * 13)
    let weights = 4 * d * d + 2 * d * f
    let attention = 4 * tokens * 13 * d
    let forwards = recompute == .full || recompute == .live ? 2 : 1
    let closing = recompute == .full ? 2 : 1
    let replayed = (forwards - 1) * (3 * d * d + d * f) + (closing - 1) * (d * d + d * f)
    let block =
      2 * tokens * (2 * weights + replayed) + forwards * attention + 5 * attention / 2
    let head = 4 * tokens * d * ((403 + tensor - 1) / tensor * tensor)
    #expect(
      program.work.flops * program.mesh.ranks
        == 3 * block + head
        + adapterFlops(
          tensor, tokens: tokens, forwards: forwards, closing: closing))
  }

  @Test("Only adapters have gradients and moments, in streaming memory and in the optimizer")
  func storage() throws {
    let program = try Self.program(Self.everywhere)
    let names = program.tensors.filter { $0.space == .streaming }.map(\.name)
    let moments = names.filter { $0.hasSuffix("moment") }
    #expect(moments.count == 2 * 12 && moments.allSatisfy { $0.contains(".lora_") })
    let gradients = program.tensors.filter { $0.name.hasSuffix(".gradient") }.map(\.name)
    #expect(gradients.count == 2 * 12 && gradients.allSatisfy { $0.contains(".lora_") })
    var updates = 0
    program.forEachOperation { operation, phase, repetitions in
      switch operation.kind {
      case .adamW:
        updates += repetitions
        #expect(phase == "decoder_optimizer")
        #expect(program[operation.inputs[0]].name.contains(".lora_"))
      case .biasGradient, .layerNormGradient, .embedBackward:
        Issue.record("\(operation.kind.name) in \(phase)")
      default: break
      }
    }
    #expect(updates == 12 * Self.model.layers)
    #expect(
      program.phaseNames == [
        "embedding_forward", "decoder_forward", "head", "decoder_backward", "gradient_norm",
        "decoder_optimizer",
      ])
  }

  @Test("Model FLOPs: two of six for each weight fall away, six for each adapter parameter come")
  func modelFlops() throws {
    let lora = LoRA(rank: 16, alpha: 32, targets: [.query, .value])
    let matrices = 28 * 12 * 4096 * 4096 + 50400 * 4096
    #expect(
      gptj6B.modelFlops(tokens: 10) - gptj6B.modelFlops(tokens: 10, lora)
        == 10 * (2 * matrices - 6 * 7_340_032))
  }

  @Test("Bytes by formula: frozen weights once, adapters with gradient and both moments")
  func bytes() throws {
    let program = try Self.program(Self.everywhere, tensor: 1, data: 1)
    let weights = Self.model.parameterCount
    let adapters = Self.everywhere.parameterCount(of: Self.model)
    let embeddingPadding = (416 - 403) * 64
    let activations = 2 * 4 * 8 * 13 * 64
    #expect(program.streamingBytes == 4 * (weights + embeddingPadding + 4 * adapters + activations))
  }

  @Test("Without adapters the Program is the one that has never heard of them")
  func off() throws {
    let program = try Self.program(nil)
    #expect(!program.tensors.contains { $0.name.contains("lora") })
    program.forEachOperation { operation, _, _ in
      switch operation.kind {
      case .addScaledColumns, .scaledColumns: Issue.record("\(operation.kind.name)")
      default: break
      }
    }
    var configuration = FineTuningConfiguration()
    #expect(LoRA(configuration.lora) == nil)
    configuration.lora.targets = [.key]
    #expect(LoRA(configuration.lora) == nil)
    configuration.lora.rank = 3
    let step = try TrainingStep(configuration)
    #expect(step.lora == LoRA(rank: 3, alpha: 8, targets: [.key]))
  }

  @Test("Statements do not grow with layers; every temporary is written before it is read")
  func structure() throws {
    for recompute in ParallelPlan.Recompute.allCases {
      let small = try Self.program(
        Self.everywhere, tensor: 2, layers: 2, batch: 4, recompute: recompute)
      let large = try Self.program(
        Self.everywhere, tensor: 4, data: 8, layers: 99, batch: 640, recompute: recompute)
      #expect(small.tensors.map(\.name) == large.tensors.map(\.name))
      var written: Set<Int> = []
      large.forEachOperation { operation, phase, _ in
        for reference in operation.inputs where large[reference].space == .sram {
          #expect(written.contains(reference.tensor.index), "\(large[reference].name) in \(phase)")
        }
        for reference in operation.outputs { written.insert(reference.tensor.index) }
      }
    }
  }
}
