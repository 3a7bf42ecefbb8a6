package import Configuration

/// A step to predict and then to run: a shape and a plan that no table was measured at.
package struct HostCase: Sendable {
  package let name: String
  package let configuration: FineTuningConfiguration
  package let workers: Int

  package init(
    width: Int, heads: Int = 16, sequence: Int, tensorParallel: Int = 1, dataParallel: Int = 1,
    microBatch: Int = 1, globalBatch: Int, recompute: ExecutionConfiguration.Recompute = .none,
    loraRank: Int = 0, precision: Precision = .float32, workers: Int = 1
  ) {
    var configuration = FineTuningConfiguration()
    configuration.model.layers = 2
    configuration.model.hiddenSize = width
    configuration.model.sequenceLength = sequence
    configuration.model.precision = precision
    configuration.model.embedding.vocabSize = 416
    configuration.model.attention.heads = heads
    configuration.model.attention.rotaryDim = 4
    configuration.training.globalBatchSize = globalBatch
    configuration.training.stochasticRounding = false
    configuration.training.optimizer.learningRate.maximum = 1e-12
    configuration.execution.microBatchSize = microBatch
    configuration.execution.tensorParallel = tensorParallel
    configuration.execution.dataParallel = dataParallel
    configuration.execution.recompute = recompute
    configuration.lora.rank = loraRank
    self.configuration = configuration
    self.workers = workers
    let parts: [String?] = [
      "\(width) x \(sequence)",
      "TP \(tensorParallel) x DP \(dataParallel)",
      "batch \(globalBatch)" + (microBatch > 1 ? " by \(microBatch)" : ""),
      recompute == .none ? nil : "recompute \(recompute.rawValue)",
      loraRank == 0 ? nil : "LoRA \(loraRank)",
      precision == .float32 ? nil : precision.rawValue,
      workers == 1 ? nil : "\(workers) workers",
    ]
    name = parts.compactMap(\.self).joined(separator: ", ")
  }

  /// The types of their matrices, each once.
  package static var elementTypes: Set<String> {
    Set(all.map { $0.configuration.model.precision.rawValue })
  }

  /// Widths, lengths and plans between and beyond those of the tables.
  package static let all: [HostCase] = [
    HostCase(width: 128, sequence: 64, globalBatch: 8, workers: 1),
    HostCase(width: 192, sequence: 96, tensorParallel: 4, globalBatch: 8, recompute: .full),
    HostCase(width: 256, sequence: 128, tensorParallel: 16, globalBatch: 4),
    HostCase(width: 256, sequence: 384, tensorParallel: 2, dataParallel: 2, globalBatch: 4),
    HostCase(width: 320, sequence: 192, tensorParallel: 4, dataParallel: 4, globalBatch: 4),
    HostCase(width: 384, sequence: 320, globalBatch: 2, recompute: .full),
    HostCase(width: 512, sequence: 128, tensorParallel: 8, microBatch: 2, globalBatch: 4),
    HostCase(width: 512, sequence: 1024, tensorParallel: 4, globalBatch: 1, recompute: .selective),
    HostCase(width: 768, sequence: 160, tensorParallel: 2, globalBatch: 2, loraRank: 8),
    HostCase(width: 1024, sequence: 256, tensorParallel: 16, globalBatch: 2),
    HostCase(width: 1024, sequence: 512, globalBatch: 1, recompute: .full),
    HostCase(width: 256, sequence: 256, tensorParallel: 4, globalBatch: 4, workers: 2),
    HostCase(
      width: 512, sequence: 192, dataParallel: 4, globalBatch: 4, recompute: .full, workers: 2),
    HostCase(width: 1024, sequence: 128, tensorParallel: 2, globalBatch: 2, workers: 2),
    HostCase(width: 192, sequence: 96, tensorParallel: 4, globalBatch: 8, precision: .bfloat16),
    HostCase(
      width: 256, sequence: 384, tensorParallel: 2, dataParallel: 2, globalBatch: 4,
      precision: .bfloat16),
    HostCase(
      width: 384, sequence: 160, globalBatch: 2, recompute: .full, precision: .bfloat16),
    HostCase(
      width: 512, sequence: 1024, tensorParallel: 4, globalBatch: 1, recompute: .selective,
      precision: .bfloat16),
    HostCase(width: 1024, sequence: 256, tensorParallel: 16, globalBatch: 2, precision: .bfloat16),
    HostCase(
      width: 512, sequence: 192, dataParallel: 4, globalBatch: 4, precision: .bfloat16, workers: 2),
    HostCase(
      width: 768, sequence: 320, tensorParallel: 2, microBatch: 2, globalBatch: 4,
      precision: .bfloat16, workers: 2),
  ]
}
