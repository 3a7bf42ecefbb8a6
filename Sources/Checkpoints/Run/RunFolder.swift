import Glibc

/// The folder of one training run: `checkpoint-N` directories, and whatever else the run leaves there.
///
/// One process at a time writes into it. A checkpoint has its name only when it is whole and on the disk,
/// and loses it before it is taken apart, so that the newest name is always a whole checkpoint.
package final class RunFolder {
  package let path: String
  private let directory: FileDescriptor

  /// Makes the folder if it is not there, locks it, and clears away what a killed run left half done.
  ///
  /// - Throws: `CheckpointError` where it cannot be made, or another process has it.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw systemFailure(file: path, operation: "make the directory")
    }
    directory = try FileDescriptor(path: path, flags: O_RDONLY | O_DIRECTORY)
    guard directory.lock() else {
      throw .system(
        file: path, operation: "write in the directory", reason: "another run is using it")
    }
    for name in try entries(of: path)
    where name.hasPrefix(Self.prefix) && name.hasSuffix(".partial") {
      removeDirectory("\(path)/\(name)")
    }
  }

  deinit { directory.unlock() }

  private static let prefix = "checkpoint-"

  /// The checkpoints in a folder, oldest first.
  ///
  /// - Throws: `CheckpointError` for a folder that cannot be listed.
  package static func checkpoints(
    in path: String
  ) throws(CheckpointError) -> [(step: Int, path: String)] {
    guard access(path, F_OK) == 0 else { return [] }
    return try entries(of: path).compactMap { name in
      guard name.hasPrefix(prefix), let step = Int(name.dropFirst(prefix.count)), step >= 0 else {
        return nil
      }
      return (step, "\(path)/\(name)")
    }.sorted { $0.step < $1.step }
  }

  /// Where a model is: the newest checkpoint of a run's folder, the path itself for all others.
  ///
  /// - Throws: `CheckpointError` for a folder that cannot be listed.
  package static func modelPath(_ path: String) throws(CheckpointError) -> String {
    guard access(path + "/config.json", F_OK) != 0, access(path, F_OK) == 0 else { return path }
    return try checkpoints(in: path).last?.path ?? path
  }

  package var checkpoints: [(step: Int, path: String)] {
    get throws(CheckpointError) { try Self.checkpoints(in: path) }
  }

  /// Saves a checkpoint, then removes the oldest beyond `toKeep`.
  ///
  /// `others` writes further files, such as the tokenizer's, into the folder it gets.
  ///
  /// - Returns: The checkpoint's path.
  /// - Throws: `CheckpointError` when the disk refuses, and what `others` throws; older checkpoints are
  ///   all there then, and nothing of the new one.
  @discardableResult
  package func save(
    _ config: GPTJConfig, _ state: TrainingState, endOfText: Int, toKeep: Int,
    _ source: TrainingCheckpoint.Source, others: (_ directory: String) throws -> Void
  ) throws -> String {
    let path = "\(path)/\(Self.prefix)\(state.globalStep)"
    try makeWholeDirectory(at: path) { folder in
      try TrainingCheckpoint.fill(folder, config, state, endOfText: endOfText, source)
      try others(folder)
    }
    for old in try checkpoints.dropLast(toKeep) {
      let doomed = partialName(old.path)
      if rename(old.path, doomed) == 0 { removeDirectory(doomed) }
    }
    return path
  }
}
