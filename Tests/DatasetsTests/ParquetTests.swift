import Configuration
import Foundation
import Testing

@testable import Datasets

/// Files that pyarrow wrote; see Scripts/make-parquet-fixtures.
@Suite struct ParquetTests {
  private static func path(_ name: String) throws -> String {
    try #require(
      Bundle.module.url(forResource: name, withExtension: "parquet", subdirectory: "Fixtures")
    ).path
  }

  private static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  static let readable = [
    "hub", "groups", "plain", "gzip-page2", "zstd-page2", "snappy-page2-required", "pages",
    "nested",
    "old-format",
  ]

  @Test(arguments: readable)
  func `Every codec, page version and encoding gives the rows that were written`(
    name: String
  ) throws {
    let file = try ExampleFile(path: Self.path(name))
    let labels = ["entailment", "neutral", "contradiction"]
    let expected = (0..<60).filter { $0 % 10 != 9 }.map { row in
      let premise = "Premise \(row): “naïve”, \(String(repeating: "x", count: row % 11))"
      return Example(.mnli, ["Hypothesis \(row % 7) ", premise], answer: labels[row % 3])
    }
    #expect(file.examples == expected)
    #expect(file.skipped == 6)
  }

  @Test(arguments: [
    (
      "brotli",
      "column \"hypothesis\", row group 1: the compression BROTLI is not read; expected none"
    ),
    ("delta", "column \"premise\", row group 1: its encoding DELTA_BYTE_ARRAY is not read"),
    (
      "type",
      "column \"label\", row group 1: it has neither texts nor whole numbers; its type is double"
    ),
    ("null", "row 42: \"premise\" has no value"),
    ("latin1", "column \"premise\", row group 1: it has a value that is not valid UTF-8"),
    ("rows", "it says that it has more data than the file's 22045 bytes plausibly hold"),
    ("zeros", "it says that it has more data than the file's 2271 bytes plausibly hold"),
  ])
  func `What is not read is refused by name`(name: String, expected: String) throws {
    let error = #expect(throws: DatasetsError.self) {
      try ExampleFile(path: Self.path("refused-\(name)"))
    }
    let message = error?.description ?? ""
    #expect(message.contains(expected), "\(message)")
  }

  @Test func `A column of another name is found by the task`() throws {
    let task = try DatasetsTests.task(
      "{number}: {text}\n{label}<|endoftext|>", labels: ["a", "b", "c"],
      columns: ["number": "idx", "text": "hypothesis"])
    let file = try ExampleFile(path: Self.path("nested"), task: task)
    #expect(file.examples[1].trainingPrompt == "1: Hypothesis 1 \nb<|endoftext|>")
    let error = #expect(throws: DatasetsError.self) {
      try ExampleFile(
        path: Self.path("nested"), task: DatasetsTests.task("{premises} {label}<|endoftext|>"))
    }
    #expect(
      error?.description.hasSuffix(
        "schema: the file has no 'premises', which the prompt wants for {premises}; found "
          + "\"premise\", \"hypothesis\", \"label\", \"idx\"; the nearest is \"premise\"") == true)
  }

  @Test func `A file that is cut anywhere is refused`() throws {
    for name in ["hub", "pages", "zstd-page2"] {
      let bytes = try Self.bytes(name)
      for length in stride(from: 0, to: bytes.count, by: 3) {
        #expect(throws: DatasetsError.self) {
          try read(Array(bytes.prefix(length)), as: "a.parquet")
        }
      }
    }
  }

  /// Read or refused; nothing traps, and no claim makes it allocate more than the budget.
  @Test(arguments: readable)
  func `Bytes changed at random do not trap`(name: String) throws {
    let original = try Self.bytes(name)
    var numbers = SplitMix64(seed: 20)
    try withTemporaryFolder { folder in
      let path = folder + "/a.parquet"
      for _ in 0..<600 {
        var bytes = original
        for _ in 0...numbers.next(below: 3) {
          // The headers are the interesting bytes, most of them in the footer.
          let inFooter = numbers.next(below: 2) == 0
          let index =
            inFooter
            ? bytes.count - 1 - numbers.next(below: min(600, bytes.count))
            : numbers.next(below: bytes.count)
          bytes[index] = numbers.pick([0, 0x7F, 0x80, 0xFF, UInt8(numbers.next(below: 256))])
        }
        try Data(bytes).write(to: URL(filePath: path))
        let file = try? ExampleFile(path: path)
        #expect((file?.examples.count ?? 0) <= 100_000)
      }
    }
  }

  private static let lookalikes: [(bytes: [UInt8], expected: String)] = [
    ([], "no Parquet file"), (footer([]), "ends at byte 4"),
    (Array("{\"premise\":\"\"}".utf8), "no Parquet file"),
    (footer([], end: "PARE"), "the file is encrypted"),
    (footer([], length: 0xFFFF_FFFF), "would have 4294967295"),
    // A structure in a structure in a ... of unknown fields, and lists likewise.
    (footer([UInt8](repeating: 0x1C, count: 100_000)), "nests too deep"),
    (footer([UInt8](repeating: 0x19, count: 100_000)), "nests too deep"),
  ]

  @Test(arguments: lookalikes)
  func `What only looks like a footer is refused`(bytes: [UInt8], expected: String) throws {
    let message = try complaint(bytes, as: "a.parquet")
    #expect(message.contains(expected), "\(message)")
  }

  private static func footer(
    _ body: [UInt8], length: UInt32? = nil, end: String = "PAR1"
  ) -> [UInt8] {
    let length = length ?? UInt32(body.count)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    return Array("PAR1".utf8) + body + bytes + Array(end.utf8)
  }
}
