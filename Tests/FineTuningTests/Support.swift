import Configuration
import Emulator
import FineTuning
import Foundation

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
  var batches = try TrainingTask(seed: task).batches(configuration)
  let trainer = try Trainer(configuration, Emulator.Options(workers: 2))
  trainer.initialize(RandomWeights(seed: seed))
  return try (trainer, (0..<steps).map { _ in try trainer.update(on: batches.next()) })
}

/// Runs a Python program; its output, or nil when there is no python3 or it failed.
func python(_ program: String, _ arguments: String...) -> String? {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3", "-c", program] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}

/// Whether tests can ask torch and Hugging Face transformers.
let hasTransformers = python("import numpy, safetensors, torch, transformers") != nil
