import FoundationEssentials
import Testing

@testable import Datasets

@Suite struct TokenizerFileTests {
  @Test(arguments: [
    ("", 1, "expected an object"),
    ("[]", 1, "expected an object"),
    ("{\n\"a\": 0,\n\"a\": 1}", 3, "'a' is given twice"),
    ("{\n\"a\" 0}", 2, "':' after 'a'"),
    ("{\n\"a\": -1}", 2, "must be a whole number, not '-1'"),
    ("{\"a\": 1.5}", 1, "not '1.5'"),
    ("{\"a\": 99999999999999999999}", 1, "must be a whole number"),
    ("{\"a\": \"0\"}", 1, "must be a whole number"),
    ("{\"a\": 0", 1, "expected ',' or '}'"),
    ("{\"a\": 0,}", 1, "a string in double quotes"),
    ("{\"a\": 0}\nx", 2, "after the closing"),
    ("{\"a\n\": 0}", 1, "missing"),
    ("{\"\\q\": 0}", 1, "unknown escape"),
    ("{\"\\ud83d\": 0}", 1, "half a surrogate"),
    ("{\"\\ud83dx\": 0}", 1, "half a surrogate"),
    ("{\"\\u00", 1, "four hexadecimal"),
    ("{\"\\u+123\": 0}", 1, "four hexadecimal"),
    ("{\"\\", 1, "ends inside"),
    ("{\"a", 1, "at the end of a string"),
  ])
  func `a wrong vocabulary file is told by file and line`(text: String, line: Int, problem: String)
  {
    let error = #expect(throws: DatasetsError.self) {
      try VocabularyFile.parse(Array(text.utf8), name: "v.json")
    }
    let message = error.map(String.init(describing:)) ?? ""
    #expect(message.hasPrefix("v.json:\(line): "), "\(message)")
    #expect(message.contains(problem), "\(message)")
  }

  @Test func `raw UTF-8 and escapes spell the same tokens`() throws {
    let text = #" { "Ġa" : 1 , "\u0120b":2,"\ud83d\ude00\"\\\/\n": 3 } "#
    let tokens = try VocabularyFile.parse(Array(text.utf8), name: "v.json")
    #expect(tokens == ["Ġa": 1, "Ġb": 2, "😀\"\\/\n": 3])
    #expect(try VocabularyFile.parse(Array("{}".utf8), name: "v.json").isEmpty)
  }

  @Test func `broken UTF-8 in a token is an error`() {
    #expect(throws: DatasetsError.self) {
      try VocabularyFile.parse([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x30, 0x7D], name: "v.json")
    }
  }

  @Test(arguments: ["a", "a b c", " a", "a ", "a  b"])
  func `a wrong line of merges is told by file and line`(line: String) {
    let error = #expect(throws: DatasetsError.self) {
      try MergesFile.parse(Array("#version: 0.2\nx y\n\(line)\n".utf8), name: "m.txt")
    }
    #expect(error.map { "\($0)".hasPrefix("m.txt:3: expected two tokens") } == true)
  }

  @Test func `merges may begin with a number sign and end in carriage returns`() throws {
    let text = Array("#version: 0.2 - x\r\n# #\r\n\r\na b".utf8)
    let merges = try MergesFile.parse(text, name: "m.txt")
    #expect(merges.map { "\($0)+\($1)" } == ["#+#", "a+b"])
  }

  @Test func `a missing file is named`() {
    let error = #expect(throws: DatasetsError.self) {
      try Tokenizer(vocabulary: "/nowhere/v.json", merges: "/nowhere/m.txt")
    }
    #expect(error.map { "\($0)".hasPrefix("/nowhere/v.json: ") } == true)
  }

  @Test func `files that do not belong together are an error that names what is missing`() {
    func problem(_ vocabulary: [String: Int], _ merges: [(String, String)] = []) -> String {
      do {
        _ = try Tokenizer(vocabulary: vocabulary, merges: merges)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    var whole = ["<|endoftext|>": 256]
    #expect(problem([:]).contains("no entry '<|endoftext|>'"))
    #expect(problem(whole).contains("for byte 0"))
    for byte in UInt8.min...UInt8.max { whole[ByteAlphabet.spell([byte])] = Int(byte) }
    #expect(problem(whole) == "none")
    #expect(problem(whole, [("a", "b")]).contains("needs 'ab'"))
    #expect(problem(whole.merging(["ab": 257]) { $1 }, [("a", "b"), ("a", "b")]).contains("twice"))
    #expect(problem(whole.merging(["ab": 256]) { $1 }).contains("id 256 is given twice"))
    #expect(problem(whole.merging(["ab": .max]) { $1 }).contains("is not in 0 ..< 1048576"))
    #expect(problem(whole.merging(["": 257]) { $1 }).contains("is empty"))
  }
}
