import ArgumentParsing
import Checkpoints
import Configuration
import Datasets
import FineTuning
import Reporting

/// Where a fine-tuning run takes its model and data from, and where it leaves the model.
struct FinetuneFiles: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face GPT-J to start from: config, weights, tokenizer.",
      valueName: "directory"))
  var pretrained: String?

  @Option(
    help: ArgumentHelp(
      "Rows to train on (.jsonl, .csv, .tsv, .txt, .parquet; default: the embedded pairs).",
      valueName: "file"))
  var train: String?

  @Option(
    help: ArgumentHelp("Rows to answer, in the same formats.", valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "A Hugging Face tokenizer (default: the pretrained model's, or the embedded one).",
      valueName: "directory"))
  var tokenizer: String?

  @Option(
    help: ArgumentHelp(
      "The run's folder: configuration, metrics, checkpoints (default: none of them).",
      valueName: "directory"))
  var output: String?

  @Flag(help: "Goes on from the newest checkpoint of the run's folder, if it has one.")
  var resume = false

  @Option(
    help: ArgumentHelp(
      "Saves a checkpoint every so many steps, and at the end; 0 for the end only.",
      valueName: "n"))
  var checkpointEvery: Int?

  @Option(
    help: ArgumentHelp(
      "Keeps packed training data here (default: gptj-bench in XDG_CACHE_HOME or ~/.cache).",
      valueName: "directory"))
  var dataCache: String?

  @Flag(help: "Packs the training data anew and does not keep them.")
  var noDataCache = false

  @Option(
    help: ArgumentHelp(
      "Writes the trained model as a new Hugging Face directory.", valueName: "directory"))
  var export: String?

  @Option(
    help: ArgumentHelp("Writes one JSON object for each step.", valueName: "file.jsonl"))
  var metrics: String?

  @Option(
    help: ArgumentHelp(
      "Writes some elements of every update: weight, moments, gradient, before and after.",
      valueName: "file.jsonl"))
  var sampleUpdates: String?
}

extension FinetuneFiles {
  /// The settings that the flags stand for.
  var overrides: [ConfigurationOverride] {
    var overrides: [ConfigurationOverride] = []
    if let output {
      overrides.append(
        ConfigurationOverride(path: "checkpoint.save", value: output, origin: "--output"))
    }
    if let checkpointEvery {
      overrides.append(
        ConfigurationOverride(
          path: "checkpoint.steps", value: String(checkpointEvery), origin: "--checkpoint-every"))
    }
    return overrides
  }

  /// Reads what the options name.
  ///
  /// What is wrong with the data cache goes to `log` and stops nothing.
  ///
  /// - Throws: `DatasetsError` naming file and line.
  func task(_ configuration: FineTuningConfiguration, _ log: Log) throws -> TrainingTask {
    let task = configuration.task
    let directory = try tokenizer ?? pretrained.map { try RunFolder.modelPath($0) }
    let folder =
      noDataCache ? nil : dataCache ?? PreparedCache.standardFolder(environment())
    let cache = folder.map { PreparedCache(folder: $0) { log.warning($0) } }
    return try TrainingTask(
      task, seed: configuration.model.seed,
      tokenizer: directory.map { try Tokenizer(directory: $0) },
      training: train.map {
        TrainingFile(path: $0, task: task, tokenizerDirectory: directory, cache: cache)
      },
      validation: validation.map { try ExampleFile(path: $0, task: task) })
  }
}
