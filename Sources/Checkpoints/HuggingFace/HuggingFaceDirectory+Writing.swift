import Glibc

extension HuggingFaceDirectory {
  /// Writes a directory that `from_pretrained` of transformers 4.25 to 5.x loads, float32.
  ///
  /// `others` writes further files, such as the tokenizer's, into the folder it gets.
  ///
  /// - Throws: `CheckpointError` when `path` exists, the disk is full, and so on; then nothing stays.
  package static func write(
    _ config: GPTJConfig, _ tensors: [(name: String, shape: [Int], values: [Float])],
    endOfText: Int, to path: String, others: (_ directory: String) throws -> Void
  ) throws {
    try make(path) { partial in
      try SafetensorsWriter.write(tensors, to: partial + "/model.safetensors")
      try write(config.json(endOfText: endOfText), to: partial + "/config.json")
      try write(
        """
        {
          "_from_model_config": true,
          "bos_token_id": \(endOfText),
          "eos_token_id": \(endOfText)
        }

        """, to: partial + "/generation_config.json")
      try others(partial)
    }
  }

  /// Makes a directory that `fill` fills under another name beside `path`; it is renamed at the end,
  /// so that `path` is whole or not there.
  static func make(_ path: String, fill: (_ directory: String) throws -> Void) throws {
    try checkFree(path)
    let partial = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
    guard mkdir(partial, 0o755) == 0 else {
      throw systemFailure(file: partial, operation: "make the directory")
    }
    do {
      try fill(partial)
      guard rename(partial, path) == 0 else {
        throw systemFailure(file: path, operation: "put in place")
      }
    } catch {
      remove(partial)
      throw error
    }
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

  static func write(_ text: String, to path: String) throws(CheckpointError) {
    let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(CheckpointError) in try file.write(UnsafeRawBufferPointer(bytes)) }
    }
    try result.get()
    try file.synchronize()
  }

  /// A folder of files, not of folders.
  private static func remove(_ folder: String) {
    if let entries = opendir(folder) {
      while let entry = readdir(entries) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { unlink("\(folder)/\(name)") }
      }
      closedir(entries)
    }
    rmdir(folder)
  }
}
