import Configuration
import FoundationEssentials
import Synchronization
import Testing

@testable import Datasets

@Suite struct PreparedCacheTests {
  /// A folder with a data file and a cache, and what the cache reports.
  private final class World {
    let folder: String
    let cache: PreparedCache
    private let log = Log()

    private final class Log: Sendable {
      let lines = Mutex<[String]>([])
    }

    init(_ folder: String) throws {
      self.folder = folder
      cache = PreparedCache(folder: folder + "/cache/deep") { [log] line in
        log.lines.withLock { $0.append(line) }
      }
      try write(rows: 300)
    }

    var reports: [String] { log.lines.withLock { $0 } }

    var path: String { folder + "/rows.tsv" }

    func write(rows: Int) throws {
      let text = EntailmentSet(seed: 1).examples(of: .train, count: rows).map {
        "\($0.premise)\t\($0.hypothesis)\t\($0.label.rawValue)\n"
      }.joined()
      try Data("premise\thypothesis\tlabel\n\(text)x\ty\t-\n".utf8).write(to: URL(filePath: path))
    }

    func pack(
      _ task: TaskConfiguration = TaskConfiguration(), sequenceLength: Int = 32,
      tokenizer directory: String? = nil
    ) throws -> PackedSequences {
      try TrainingFile(path: path, task: task, tokenizerDirectory: directory, cache: cache)
        .packed(.embedded(), sequenceLength: sequenceLength)
    }

    var files: [String] {
      get throws {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/cache/deep").sorted()
          .map { folder + "/cache/deep/" + $0 }
      }
    }
  }

  private func isFromFile(_ sequences: PackedSequences) -> Bool {
    if case .file = sequences.tokens { true } else { false }
  }

  private func expectEqual(_ left: PackedSequences, _ right: PackedSequences) {
    #expect(left.counts == right.counts && left.packing == right.packing)
    for index in 0..<left.count {
      #expect(left.input(index).elementsEqual(right.input(index)))
      #expect(left.labels(index).elementsEqual(right.labels(index)))
    }
  }

  @Test(arguments: [TaskConfiguration.Packing.reference, .runCLM])
  func `The second run has the same sequences and counts from the file`(
    packing: TaskConfiguration.Packing
  ) throws {
    try withTemporaryFolder { folder in
      let world = try World(folder)
      var task = TaskConfiguration()
      task.packing = packing
      let first = try world.pack(task)
      let second = try world.pack(task)
      #expect(!isFromFile(first) && isFromFile(second))
      #expect(second.counts.skipped == 1 && second.counts.examples == 300)
      expectEqual(first, second)
      #expect(world.reports == [])
    }
  }

  @Test func `Another input of any kind is prepared anew`() throws {
    try withTemporaryFolder { folder in
      let world = try World(folder)
      _ = try world.pack()
      try Tokenizer.embedded().write(to: folder + "/tokenizer")
      var changes: [() throws -> PackedSequences] = [
        { try world.pack(sequenceLength: 33) },
        { try world.pack(DatasetsTests.task("{premise} {label}<|endoftext|>")) },
        { try world.pack(DatasetsTests.task("{premise} {label}<|endoftext|>", labels: ["x"])) },
        { try world.pack(tokenizer: folder + "/tokenizer") },
      ]
      changes.append {
        try world.pack(
          DatasetsTests.task("{premise} {label}<|endoftext|>", labels: TaskConfiguration().labels))
      }
      changes.append {
        var task = TaskConfiguration()
        task.packing = .runCLM
        return try world.pack(task)
      }
      changes.append {
        var task = TaskConfiguration()
        task.columns = ["premise": "hypothesis"]
        return try world.pack(task)
      }
      changes.append {
        try world.write(rows: 299)
        return try world.pack()
      }
      for (number, change) in changes.enumerated() where number != 2 {
        #expect(try !isFromFile(change()), "change \(number)")
        #expect(try isFromFile(change()), "change \(number), again")
      }
      // Labels that the file does not have are found, whatever was cached before.
      #expect(throws: DatasetsError.self) { try changes[2]() }
      #expect(try world.files.count == 8)
    }
  }

  @Test func `A damaged file is reported and made again`() throws {
    try withTemporaryFolder { folder in
      let world = try World(folder)
      let first = try world.pack()
      let path = try #require(world.files.first)
      let whole = Array(try Data(contentsOf: URL(filePath: path)))
      func check(_ bytes: [UInt8], _ comment: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
        let reports = world.reports.count
        let again = try world.pack()
        #expect(!isFromFile(again), "\(comment)")
        #expect(world.reports.count == reports + 1, "\(comment)")
        expectEqual(first, again)
        #expect(try Array(Data(contentsOf: URL(filePath: path))) == whole, "\(comment)")
      }
      for length in [0, 1, 80, 127, 128, 129, whole.count - 1] {
        try check(Array(whole.prefix(length)), "cut at \(length)")
      }
      try check(whole + [0], "a byte too many")
      for index in Array(0..<112) + [128, whole.count / 2, whole.count - 1] {
        var bytes = whole
        bytes[index] ^= 0x10
        try check(bytes, "byte \(index) changed")
      }
      #expect(world.reports[0] == "\(path) is damaged; preparing the data again")
    }
  }

  @Test func `Ids that the tokenizer does not have are not believed, whatever the checksum`() throws
  {
    try withTemporaryFolder { folder in
      let world = try World(folder)
      let key = Digest(low: 1, high: 2)
      let packing = Packing(sequenceLength: 2)
      for (id, isKept) in [(Int32(412), true), (413, false), (-1, false), (.max, false)] {
        var counts = PackingCounts()
        counts.sequences = 1
        world.cache.keep(
          PackedSequences(packing: packing, counts: counts, tokens: .memory([0, id, 5])), key)
        #expect(try (world.cache.sequences(key, packing, .embedded()) != nil) == isKept, "\(id)")
      }
      #expect(try world.cache.sequences(key, Packing(sequenceLength: 3), .embedded()) == nil)
    }
  }

  @Test func `Without a place to write the data are prepared all the same`() throws {
    try withTemporaryFolder { folder in
      let world = try World(folder)
      try Data("in the way".utf8).write(to: URL(filePath: folder + "/cache"))
      #expect(try world.pack().counts.examples == 300)
      #expect(world.reports.count == 1)
      #expect(
        world.reports.allSatisfy { $0.hasPrefix("the prepared data are not kept: \(folder)") })
    }
  }

  @Test func `What is no regular file is read without a cache`() throws {
    try withTemporaryFolder { folder in
      let cache = PreparedCache(folder: folder + "/cache") { Issue.record("\($0)") }
      for path in [folder, folder + "/none.tsv", "/dev/null"] {
        #expect(throws: DatasetsError.self) {
          try TrainingFile(path: path, cache: cache).packed(.embedded(), sequenceLength: 8)
        }
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/cache"))
    }
  }

  @Test(
    arguments: [
      (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/gptj-bench"),
      (["XDG_CACHE_HOME": "", "HOME": "/h"], "/h/.cache/gptj-bench"),
      (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/gptj-bench"), ([:], nil),
    ] as [([String: String], String?)])
  func `The folder is where the XDG specification puts it`(
    environment: [String: String], folder: String?
  ) {
    #expect(PreparedCache.standardFolder(environment) == folder)
  }
}
