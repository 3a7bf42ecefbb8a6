import FoundationEssentials
import Testing

@testable import Checkpoints

@Suite struct RunFolderTests {
  private static let config = GPTJConfig(
    layers: 2, hidden: 6, heads: 2, positions: 9, rotary: 2, vocabulary: 5)

  /// Every tensor other numbers, which depend on the step.
  private func source(_ step: Int, moments: Bool = true) -> TrainingCheckpoint.Source {
    func values(_ name: String, _ salt: Int) -> [Float] {
      let tensor = Self.config.tensors.first { $0.name == name }
      let first = Float(name.utf8.reduce(salt + step) { ($0 * 31 + Int($1)) % 1009 })
      return (0..<(tensor?.count ?? 0)).map { first + Float($0) / 7 }
    }
    return TrainingCheckpoint.Source(
      weight: { values($0, 1) }, trained: Self.config.tensors,
      moment: moments ? { values($1, $0 == .first ? 2 : 3) } : nil)
  }

  private func save(
    _ step: Int, in folder: RunFolder, toKeep: Int = 9, moments: Bool = true,
    others: (String) throws -> Void = { _ in }
  ) throws {
    let state = TrainingState(
      globalStep: step, maxSteps: 50, seed: 4, globalBatchSize: 8, sequenceLength: 9)
    try folder.save(
      Self.config, state, endOfText: 4, toKeep: toKeep, source(step, moments: moments),
      others: others)
  }

  @Test func `A checkpoint gives back every weight and moment, and the step`() throws {
    let folder = try TemporaryFolder()
    let run = try RunFolder(path: folder.file("run"))
    for step in [7, 10] { try save(step, in: run) }
    for (path, step) in [("run", 10), ("run/checkpoint-7", 7)] {
      let checkpoint = try TrainingCheckpoint(path: folder.file(path))
      #expect(checkpoint.state.globalStep == step && checkpoint.state.maxSteps == 50)
      #expect(checkpoint.hasOptimizer)
      for name in Self.config.tensors.map(\.name) {
        let saved = source(step)
        #expect(try checkpoint.weight(name) == saved.weight(name))
        for moment in TrainingCheckpoint.Moment.allCases {
          #expect(try checkpoint.moment(moment, of: name) == saved.moment?(moment, name))
        }
      }
    }
  }

  @Test func `The oldest go when more than enough are there, earlier runs' included`() throws {
    let folder = try TemporaryFolder()
    for step in [5, 9, 100] {
      let run = try RunFolder(path: folder.file("run"))
      try save(step, in: run, toKeep: 2)
    }
    #expect(try RunFolder.checkpoints(in: folder.file("run")).map(\.step) == [9, 100])
  }

  @Test func `A save that fails leaves the checkpoints that are there, and nothing else`() throws {
    let folder = try TemporaryFolder()
    let run = try RunFolder(path: folder.file("run"))
    try save(1, in: run, toKeep: 1)
    #expect(throws: CancellationError.self) {
      try save(2, in: run, toKeep: 1) { _ in throw CancellationError() }
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("run"))
    #expect(names == ["checkpoint-1"])
  }

  @Test func `What a killed run left half done is cleared away, other files are not`() throws {
    let folder = try TemporaryFolder()
    try save(3, in: try RunFolder(path: folder.file("run")))
    let left = folder.file("run/checkpoint-4.abc.partial")
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
    try Data([1]).write(to: URL(filePath: left + "/model.safetensors"))
    try Data([1]).write(to: URL(filePath: folder.file("run/notes.partial")))
    _ = try RunFolder(path: folder.file("run"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("run"))
    #expect(names.sorted() == ["checkpoint-3", "notes.partial"])
  }

  @Test func `A folder is one run's at a time`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run")
    let run = try RunFolder(path: path)
    #expect { try RunFolder(path: path) } throws: { "\($0)".contains("another run") }
    withExtendedLifetime(run) {}
  }

  @Test(arguments: ["model.safetensors", "optimizer.safetensors"])
  func `One flipped bit is found, by file and tensor`(_ file: String) throws {
    let folder = try TemporaryFolder()
    try save(3, in: try RunFolder(path: folder.file("run")))
    let path = folder.file("run/checkpoint-3/\(file)")
    var bytes = try contents(of: path)
    bytes[bytes.count - 3] ^= 0x10
    try Data(bytes).write(to: URL(filePath: path))
    let checkpoint = try TrainingCheckpoint(path: folder.file("run"))
    var damaged: [String] = []
    for name in Self.config.tensors.map(\.name) {
      do {
        _ = try checkpoint.weight(name)
        for moment in TrainingCheckpoint.Moment.allCases {
          _ = try checkpoint.moment(moment, of: name)
        }
      } catch {
        damaged.append(name)
        #expect("\(error)".contains("\(path): tensor ") && "\(error)".contains("CRC-32"))
      }
    }
    #expect(damaged.count == 1)
  }

  @Test func `Without optimizer state, weights are there and moments say why not`() throws {
    let folder = try TemporaryFolder()
    try save(3, in: try RunFolder(path: folder.file("run")), moments: false)
    let checkpoint = try TrainingCheckpoint(path: folder.file("run"))
    #expect(!checkpoint.hasOptimizer)
    #expect(try checkpoint.weight("lm_head.bias") == source(3).weight("lm_head.bias"))
    #expect { try checkpoint.moment(.first, of: "lm_head.bias") } throws: {
      "\($0)".contains("checkpoint.optim_state")
    }
  }

  @Test func `A state that is none, or of a later version, is refused by file and key`() throws {
    for (text, expected) in [
      ("{", "JSON object"), ("[]", "JSON object"), ("{\"schema_version\": 1}", "is missing"),
      (
        #"{"schema_version":2,"global_step":1,"max_steps":1,"seed":1,"global_batch_size":1,"#
          + #""sequence_length":1,"crc32":{}}"#, "schema_version is 2"
      ),
      (
        #"{"schema_version":1,"global_step":-1,"max_steps":1,"seed":1,"global_batch_size":1,"#
          + #""sequence_length":1,"crc32":{}}"#, "global_step is -1"
      ),
      (
        #"{"schema_version":1,"global_step":4611686018427387904,"max_steps":1,"seed":1,"#
          + #""global_batch_size":1,"sequence_length":1,"crc32":{}}"#,
        "global_step is 4611686018427387904"
      ),
    ] {
      let folder = try TemporaryFolder()
      try save(3, in: try RunFolder(path: folder.file("run")))
      let path = folder.file("run/checkpoint-3/trainer_state.json")
      try Data(text.utf8).write(to: URL(filePath: path))
      #expect { try TrainingCheckpoint(path: folder.file("run")) } throws: {
        "\($0)".contains(path) && "\($0)".contains(expected)
      }
    }
  }
}
