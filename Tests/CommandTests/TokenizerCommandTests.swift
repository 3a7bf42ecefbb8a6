import Foundation
import Testing

@Suite struct TokenizerCommandTests {
  @Test func `Text comes back from its ids, line by line`() async throws {
    let text = "all owls sleep\n\nnaïve \u{1F600}\u{301}  \t!"
    let folder = try Folder(["in.txt": Data(text.utf8)])
    let outcome = try await Binary.shell(
      "gptj-bench tokenizer encode in.txt | tee ids.txt | gptj-bench tokenizer decode", in: folder)
    #expect(outcome.exitCode == 0 && outcome.error.isEmpty)
    #expect(Array(outcome.output.utf8) == Array((text + "\n").utf8))
    #expect(try folder.reading("ids.txt").hasPrefix("265 75 402 369\n\n"))
    let whole = try await Binary.run(["tokenizer", "encode", "--whole", "in.txt"], in: folder)
    #expect(whole.output.count { $0 == "\n" } == 1)
  }

  @Test func `Texts and ids may be given on the command line, and come as JSON`() async throws {
    let encoded = try await Binary.run(
      ["tokenizer", "encode", "--text", "all owls", "--text", "", "--json"])
    let results = try #require(try Self.document(encoded.output)["results"] as? [[String: Any]])
    #expect(results.map { $0["ids"] as? [Int] } == [[265, 75, 402], []])
    let decoded = try await Binary.run(["tokenizer", "decode", "--ids", "265,75, 402"])
    #expect(decoded.output == "all owls\n")
  }

  @Test func `Counts come with the time of each pass`() async throws {
    let arguments = ["tokenizer", "encode", "--text", "all owls sleep", "--count", "--passes", "3"]
    let text = try await Binary.run(arguments)
    #expect(text.output.hasPrefix("1 text, 14 bytes, 4 tokens: 3.50 bytes a token\npass 1: "))
    #expect(text.output.count { $0 == "\n" } == 4)
    let json = try Self.document(try await Binary.run(arguments + ["--json"]).output)
    #expect((json["pass_seconds"] as? [Double])?.count == 3)
    #expect(json["tokens"] as? Int == 4)
  }

  @Test func `A trained tokenizer is a directory that encode reads`() async throws {
    let line = "the owls of the old tower sleep by day and hunt by night\n"
    let folder = try Folder(["in.txt": Data(String(repeating: line, count: 20).utf8)])
    let trained = try await Binary.run(
      ["tokenizer", "train", "in.txt", "--vocabulary-size", "300", "--output", "mine"], in: folder)
    #expect(trained.exitCode == 0, "\(trained.error)")
    #expect(
      trained.output.hasPrefix("mine: 294 ids, 37 merges from 1.14 kB with 13 distinct pieces"))
    #expect(trained.output.contains("No other pair occurs 2 times"))
    let encoded = try await Binary.run(
      ["tokenizer", "encode", "--tokenizer", "mine", "--text", " tower sleep"], in: folder)
    #expect(encoded.output.split(separator: " ").count == 2)
  }

  @Test func `A place where no directory can be made is told with exit code 73`() async throws {
    let folder = try Folder(["in.txt": Data("a a a".utf8)])
    let outcome = try await Binary.run(
      ["tokenizer", "train", "in.txt", "--vocabulary-size", "300", "--output", "in.txt/x"],
      in: folder)
    #expect(outcome.exitCode == 73 && outcome.error.contains("in.txt/x"), "\(outcome.error)")
  }

  @Test(arguments: [
    WrongInput("tokenizer encode nowhere.txt", 66, "nowhere.txt: No such file"),
    WrongInput("tokenizer encode .", 66, ".: Is a directory"),
    WrongInput("tokenizer encode --text a b.txt", 64, "either files or --text"),
    WrongInput("tokenizer encode --text a --passes 2", 64, "--passes needs --count"),
    WrongInput("tokenizer encode --text a --tokenizer nowhere", 66, "no tokenizer"),
    WrongInput("tokenizer decode --ids 1,x2", 65, "--ids:1: 'x2' is not the id of a token"),
    WrongInput("tokenizer decode --ids 99999999999", 65, "'99999999999' is not the id"),
    WrongInput("tokenizer train --vocabulary-size 300 --output x", 64, "file"),
    WrongInput("tokenizer train a.txt --vocabulary-size 256 --output x", 64, "from 257 to"),
    WrongInput("tokenizer train a.txt --vocabulary-size 257 --output x", 66, "a.txt: No such file"),
    WrongInput("tokenizer encode --text a --passes 0 --count", 64, "expected from 1 to 1000000"),
  ])
  func `A wrong input to the tokenizer is told`(_ input: WrongInput) async throws {
    let outcome = try await Binary.run(input.arguments)
    #expect(!outcome.trapped, "\(outcome.error)")
    #expect(outcome.exitCode == input.exitCode, "\(outcome.error)")
    for fragment in input.fragments {
      #expect(outcome.error.contains(fragment), "\(outcome.error)")
    }
  }

  private static func document(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}
