import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Program
import Regression

extension Benchmark {
  /// Whole steps on emulated shards, on as many workers everywhere.
  static let emulator: [Benchmark] = [
    step("step_tp1", tensorParallel: 1, dataParallel: 1),
    step("step_tp4_dp2", tensorParallel: 4, dataParallel: 2),
    step("step_tp16", tensorParallel: 16, dataParallel: 1),
    step(
      "step_tp16_one_worker", tensorParallel: 16, dataParallel: 1, hiddenSize: 64, sequence: 16,
      workers: 1),
    step("step_tp4_dp2_odd", tensorParallel: 4, dataParallel: 2, hiddenSize: 144, sequence: 37),
    step("step_tp4_lora_dropout", tensorParallel: 4, dataParallel: 1) {
      $0.lora.rank = 4
      $0.model.dropoutProb = 0.1
    },
    inference("inference_tp1", tensorParallel: 1),
    inference("inference_tp4", tensorParallel: 4),
    generation("generation_tp2", tensorParallel: 2),
  ]

  /// Two, or one on a machine with one CPU: the plan says how many.
  static let workers = min(2, AllowedCPUs.count)

  /// A training step of a fresh model, again and again on the same batch.
  ///
  /// The learning rate is next to nothing: a model that learnt the batch by heart would compute with
  /// ever smaller numbers.
  private static func step(
    _ name: String, tensorParallel: Int, dataParallel: Int, hiddenSize: Int = 128,
    sequence: Int = 64, workers: Int = Self.workers,
    change: @escaping @Sendable (inout FineTuningConfiguration) -> Void = { _ in }
  ) -> Benchmark {
    var configuration = smallModel(hiddenSize: hiddenSize, sequence: sequence)
    configuration.execution.tensorParallel = tensorParallel
    configuration.execution.dataParallel = dataParallel
    change(&configuration)
    let fixed = configuration
    return Benchmark(
      "emulator/\(name)", "training step, \(text(configuration, workers: workers))",
      waits: workers > 1
    ) {
      var batches = try TrainingTask(seed: 1).batches(fixed)
      let trainer = try Trainer(fixed, Emulator.Options(workers: workers))
      trainer.initialize(RandomWeights(seed: 1))
      _ = try trainer.update(on: batches.next())
      return workload(of: trainer.emulator)
    }
  }

  /// One generative pass over whole sequences.
  private static func inference(_ name: String, tensorParallel: Int) -> Benchmark {
    let pass = inferencePass(tensorParallel: tensorParallel)
    let plan =
      "inference pass, 2 layers of 128, 16 heads, 4 x 64 tokens, float32, "
      + "TP \(tensorParallel), \(workers) workers"
    return Benchmark("emulator/\(name)", plan, waits: true) {
      let program = try pass.program()
      let emulator = try Emulator(program, Emulator.Options(workers: workers))
      randomize(emulator, pass)
      if let ids = program.tensor(named: InferencePass.HostTensor.inputIDs) {
        for rank in 0..<program.mesh.ranks {
          let memory = emulator.memory(of: ids, rank: rank).bindMemory(to: Int32.self)
          for token in memory.indices { memory[token] = Int32(token * 31 % 413) }
        }
      }
      return workload(of: emulator)
    }
  }

  /// Four answers of 16 tokens, with a cache: passes and what Swift does between them.
  private static func generation(_ name: String, tensorParallel: Int) -> Benchmark {
    let pass = inferencePass(tensorParallel: tensorParallel)
    let plan =
      "4 answers of 16 tokens to 24, 2 layers of 128, 16 heads, float32, "
      + "TP \(tensorParallel), \(workers) workers"
    return Benchmark("emulator/\(name)", plan, waits: true) {
      let generator = try Generator(
        pass, outputLength: 16, endOfText: -1, Emulator.Options(workers: workers)
      ) { _, emulator in randomize(emulator, pass) }
      let prompts = (0..<4).map { prompt in (0..<24).map { Int32(($0 * 31 + prompt) % 413) } }
      return Workload {
        _ = try generator.answers(to: prompts)
      } counts: {
        let measured = generator.measurement
        return [
          Counts.metric("runs", measured.runs, "runs"),
          Counts.metric("generated_tokens", measured.generatedTokens, "tokens"),
        ]
      }
    }
  }

  private static func inferencePass(tensorParallel: Int) -> InferencePass {
    InferencePass(
      model: GPTJModel(
        layers: 2, hiddenSize: 128, heads: 16, vocabularySize: 416, sequenceLength: 64,
        rotarySize: 4),
      tensorParallel: tensorParallel, microBatchSize: 4, elementType: .float32)
  }

  private static func randomize(_ emulator: Emulator, _ pass: InferencePass) {
    let transfer = ParameterTransfer(model: pass.model, mesh: emulator.program.mesh)
    let weights = RandomWeights(seed: 1)
    transfer.write(transfer.parameters.ofModel, to: emulator) { name in
      weights.values(of: name, count: transfer.count(of: name))
    }
  }

  private static func workload(of emulator: Emulator) -> Workload {
    var executed = Work()
    let calls = Counts.collectiveCalls(of: emulator.program)
    return Workload {
      executed = emulator.run().executed
    } counts: {
      Counts.of(executed, collectiveCalls: calls) + [
        Counts.statements(of: emulator.program),
        Counts.metric("lowered_instructions", emulator.instructionCount, "instructions"),
        Counts.metric("emulated_memory_bytes", emulator.bytes, "B"),
      ]
    }
  }

  private static func smallModel(hiddenSize: Int, sequence: Int) -> FineTuningConfiguration {
    var configuration = FineTuningConfiguration()
    configuration.model.layers = 2
    configuration.model.hiddenSize = hiddenSize
    configuration.model.sequenceLength = sequence
    configuration.model.precision = .float32
    configuration.model.embedding.vocabSize = 416
    configuration.model.attention.heads = 16
    configuration.model.attention.rotaryDim = 4
    configuration.training.globalBatchSize = 8
    configuration.training.optimizer.learningRate.maximum = 1e-12
    configuration.execution.microBatchSize = 2
    return configuration
  }

  private static func text(
    _ configuration: FineTuningConfiguration, workers: Int
  ) -> String {
    let model = configuration.model
    var words = [
      "\(model.layers) layers of \(model.hiddenSize)", "\(model.attention.heads) heads",
      "\(configuration.training.globalBatchSize) x \(model.sequenceLength) tokens",
      "\(model.precision.rawValue)",
      "TP \(configuration.execution.tensorParallel) x DP \(configuration.execution.dataParallel)",
    ]
    if configuration.lora.isOn { words.append("LoRA of rank \(configuration.lora.rank)") }
    if model.dropoutProb > 0 { words.append("dropout") }
    return (words + ["\(workers) worker\(workers == 1 ? "" : "s")"]).joined(separator: ", ")
  }
}
