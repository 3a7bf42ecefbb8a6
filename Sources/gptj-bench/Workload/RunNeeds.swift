import Emulator
import Checkpoints
import Configuration
import FineTuning
import GPTJ
import Glibc
import Reporting

/// What a fine-tuning run takes of this machine, said before its first step.
struct RunNeeds {
  /// The emulated IPUs and the schedule.
  let memoryBytes: Int
  /// The file of streaming memory.
  let fileBytes: Int
  /// Checkpoints and export; one more checkpoint than are kept, since the new one comes first.
  let diskBytes: Int
  let diskPath: String?
  let seconds: Double

  /// The share of the peak that the matmuls of a step reach, and what everything else takes of one
  /// core for each token, layer and column.
  ///
  /// Chosen after three models on an idle machine of two cores, 4 layers of 128 and 256 and 6 of 768
  /// columns: 39,000 to 43,000, 4,030 and 877 tokens/s, where these give 41,600, 4,270 and 833.
  private static let (matmulShare, elementSeconds) = (0.8, 38e-9)

  init(_ trainer: Trainer, folder: String?, export: String?, done: Int) {
    let configuration = trainer.configuration
    let model = trainer.step.model
    let weights = model.parameterCount * MemoryLayout<Float>.size
    let trained =
      trainer.transfer.shapes(trainer.transfer.parameters.trained)
      .reduce(0) { $0 + $1.count } * MemoryLayout<Float>.size
    let checkpoint = weights + (configuration.checkpoint.optimState ? 2 * trained : 0)
    let steps = max(0, configuration.training.steps - done)
    memoryBytes = trainer.emulator.bytes
    fileBytes = trainer.emulator.fileBytes
    diskBytes =
      (folder == nil ? 0 : Self.checkpoints(configuration.checkpoint, steps: steps) * checkpoint)
      + (export == nil ? 0 : weights)
    diskPath =
      folder
      ?? export.map { $0.lastIndex(of: "/").map($0.prefix(through:)) ?? "." }
      .map(String.init)
    let tokens = configuration.training.globalBatchSize * configuration.model.sequenceLength
    let flops = Double(trainer.step.modelFlops(tokens: tokens))
    let peak = trainer.emulator.measurePeak(seconds: 0.05)
    let elements = Double(tokens * model.layers * model.hiddenSize)
    let other = elements * Self.elementSeconds / Double(trainer.emulator.workerCount)
    seconds = Double(steps) * (flops / (peak * Self.matmulShare) + other)
  }

  /// How many are there at most at once.
  private static func checkpoints(_ configuration: CheckpointConfiguration, steps: Int) -> Int {
    let saved =
      configuration.steps > 0 ? (steps + configuration.steps - 1) / configuration.steps : 1
    return min(saved, configuration.toKeep + 1)
  }

  /// For example `needs 1.2 GB of memory, 0.3 GB of disk and about 3 min`.
  var text: String {
    func amount(_ bytes: Int) -> String { Format.si(Double(bytes), "B", digits: 3) }
    let disk = diskBytes > 0 ? ", \(amount(diskBytes)) of disk" : ""
    let file = fileBytes > 0 ? " beside \(amount(fileBytes)) of streaming memory in a file" : ""
    return "needs \(amount(memoryBytes)) of memory\(file)\(disk) and about "
      + "\(Format.duration(seconds: seconds)) for the steps on an idle machine"
  }

  /// - Throws: `NotEnoughDisk` where the checkpoints cannot fit.
  func check() throws(NotEnoughDisk) {
    guard let diskPath, diskBytes > 0, let free = Self.freeBytes(at: diskPath) else { return }
    guard diskBytes <= free else {
      throw NotEnoughDisk(path: diskPath, needed: diskBytes, free: free)
    }
  }

  private static func freeBytes(at path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }
}

/// Why a run does not start: its checkpoints would not fit.
struct NotEnoughDisk: Error, CustomStringConvertible {
  let path: String
  let needed, free: Int

  var description: String {
    "\(path): the run's checkpoints need \(needed) bytes, \(free) are free; expected a smaller "
      + "checkpoint.to_keep, or checkpoint.optim_state=false"
  }
}
