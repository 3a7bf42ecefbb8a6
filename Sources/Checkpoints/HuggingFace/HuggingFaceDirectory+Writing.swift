import Glibc

extension HuggingFaceDirectory {
  /// Writes a directory that `from_pretrained` of transformers 4.25 to 5.x loads.
  ///
  /// It is filled under another name beside `path` and renamed at the end, so that `path` is whole
  /// or not there. Holds one tensor at a time: `values` gives each by its name, once. `others` writes
  /// further files, such as the tokenizer's, into the folder it gets.
  ///
  /// - Throws: `CheckpointError` when `path` exists, the disk is full, and so on; then nothing stays.
  package static func write(
    _ config: GPTJConfig, as type: FloatType = .float32, endOfText: Int, to path: String,
    values: (_ name: String) throws(CheckpointError) -> [Float],
    others: (_ directory: String) throws -> Void
  ) throws {
    try checkFree(path)
    try makeWholeDirectory(at: path) { folder in
      try fill(folder, config, as: type, endOfText: endOfText, values: values)
      try others(folder)
    }
  }

  /// Writes config, generation config and weights into a folder.
  ///
  /// - Returns: The CRC-32 of each tensor.
  @discardableResult
  static func fill(
    _ folder: String, _ config: GPTJConfig, as type: FloatType = .float32, endOfText: Int,
    values: (_ name: String) throws(CheckpointError) -> [Float]
  ) throws(CheckpointError) -> [String: UInt32] {
    try writeNewFile(config.json(endOfText: endOfText, type), to: folder + "/config.json")
    try writeNewFile(
      """
      {
        "_from_model_config": true,
        "bos_token_id": \(endOfText),
        "eos_token_id": \(endOfText)
      }

      """, to: folder + "/generation_config.json")
    return try SafetensorsWriter.write(
      config.tensors, as: type, to: folder + "/model.safetensors", values: values)
  }

  /// - Throws: `CheckpointError` when there is something at `path`, or its parent is missing.
  ///
  /// Asked before a long run, so that it does not fail at its end.
  package static func checkFree(_ path: String) throws(CheckpointError) {
    guard access(path, F_OK) != 0 else {
      throw .system(
        file: path, operation: "write a directory", reason: "it exists; give a new name")
    }
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(parent, W_OK) == 0 else {
      throw systemFailure(file: parent, operation: "write in the directory")
    }
  }
}
