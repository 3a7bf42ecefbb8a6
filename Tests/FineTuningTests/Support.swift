import Configuration
import Emulator
import FineTuning

/// A GPT-J small enough for a test, for up to 16 shards.
func smallConfiguration(
  tensorParallel: Int = 1, dataParallel: Int = 1, vocabulary: Int = 512, sequence: Int = 48,
  batch: Int = 8, steps: Int = 40, rate: Double = 3e-3
) -> FineTuningConfiguration {
  var configuration = FineTuningConfiguration()
  configuration.model.layers = 2
  configuration.model.hiddenSize = 64
  configuration.model.sequenceLength = sequence
  configuration.model.precision = .float32
  configuration.model.embedding.vocabSize = vocabulary
  configuration.model.attention.heads = 16
  configuration.model.attention.rotaryDim = 4
  configuration.training.steps = steps
  configuration.training.globalBatchSize = batch
  configuration.training.optimizer.learningRate.maximum = rate
  configuration.training.optimizer.learningRate.warmupProportion = 0.1
  configuration.execution.tensorParallel = tensorParallel
  configuration.execution.dataParallel = dataParallel
  configuration.execution.microBatchSize = 2
  return configuration
}

/// Updates on the embedded entailment pairs, from random weights of a seed.
func train(
  _ configuration: FineTuningConfiguration, steps: Int, weights seed: UInt64 = 1, task: Int = 1
) throws -> (trainer: Trainer, updates: [Trainer.Update]) {
  var batches = try EntailmentTask(seed: task).batches(configuration)
  let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
  trainer.initialize(RandomWeights(seed: seed))
  return (trainer, (0..<steps).map { _ in trainer.update(on: batches.next()) })
}
