import FoundationEssentials
import Testing

@testable import Datasets

/// Where GPT-J's own tokenizer files and the reference's ids are, when this machine has them.
private let dataFolder = ProcessInfo.processInfo.environment["GPTJ_BENCH_TEST_DATA"]

/// Strings with the ids of Hugging Face tokenizers 0.23.3, which tiktoken 0.14 confirms.
private struct EdgeCases: Decodable {
  struct Case: Decodable {
    let text: String
    let ids: [Int32]
  }
  let cases: [Case]
}

@Suite(.enabled(if: dataFolder != nil, "GPTJ_BENCH_TEST_DATA names no folder"))
struct TokenizerParityTests {
  @Test func `GPT-J's tokenizer gives the reference's ids on every edge case`() throws {
    let folder = try #require(dataFolder)
    let tokenizer = try gptj(in: folder)
    let file = URL(filePath: folder + "/tokenizer_edge_cases.json")
    let cases = try JSONDecoder().decode(EdgeCases.self, from: Data(contentsOf: file)).cases
    #expect(cases.count == 82)
    for edge in cases {
      #expect(tokenizer.encode(edge.text) == edge.ids, "of \(edge.text.debugDescription)")
      #expect(Array(tokenizer.decode(edge.ids).utf8) == Array(edge.text.utf8))
    }
  }

  @Test func `GPT-J's vocabulary has 50,400 ids and ends texts with 50,256`() throws {
    let tokenizer = try gptj(in: #require(dataFolder))
    #expect(tokenizer.vocabularySize == 50_400)
    #expect(tokenizer.endOfTextID == 50_256)
  }

  @Test func `Written and read in each of its forms, it is the same tokenizer`() throws {
    let folder = try #require(dataFolder)
    let file = URL(filePath: folder + "/tokenizer_edge_cases.json")
    let cases = try JSONDecoder().decode(EdgeCases.self, from: Data(contentsOf: file)).cases
    try withTemporaryFolder { written in
      try gptj(in: folder).write(to: written)
      for (source, name) in [(folder + "/gptj_tokenizer", "hub"), (written, "ours")] {
        // Without the other files tokenizer.json is what counts.
        let alone = "\(written)/\(name)"
        try FileManager.default.createDirectory(
          atPath: alone, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: source + "/tokenizer.json", toPath: alone + "/tokenizer.json")
        for directory in [source, alone] {
          let read = try Tokenizer(directory: directory)
          #expect(read.vocabularySize == 50_400 && read.endOfTextID == 50_256)
          for edge in cases { #expect(read.encode(edge.text) == edge.ids) }
          #expect(read.encode("a<|extratoken_7|>") == [64, 50_263])
        }
      }
    }
  }

  private func gptj(in folder: String) throws -> Tokenizer {
    try Tokenizer(
      vocabulary: folder + "/gptj_tokenizer/vocab.json",
      merges: folder + "/gptj_tokenizer/merges.txt",
      added: folder + "/gptj_tokenizer/added_tokens.json")
  }
}
