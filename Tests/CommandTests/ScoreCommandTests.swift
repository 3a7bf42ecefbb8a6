import Foundation
import Testing

/// Runs Python with transformers and torch on a trained model; nil when it fails.
private func python(_ program: String, in folder: Folder) async throws -> String? {
  try Data(program.utf8).write(to: folder.url.appendingPathComponent("check.py"))
  let outcome = try await Binary.shell("python3 check.py 2>/dev/null", in: folder)
  return outcome.exitCode == 0 ? outcome.output : nil
}

/// Whether `python3` has what the oracle needs; asked once.
private let hasTransformers: Bool = {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3", "-c", "import torch, transformers"]
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}()

@Suite struct ScoreCommandTests {
  /// What `score --json` prints.
  private struct Document: Decodable {
    struct Result: Decodable {
      struct Token: Decodable {
        let id: Int
        let text: String
        let logprob: Double?
        let isGreedy: Bool?
      }
      let text: String
      let scoredTokens: Int
      let logLikelihood, perplexity: Double
      let isGreedy: Bool
      let tokens: [Token]
    }
    let results: [Result]
    let scoredTokens: Int
    let logLikelihood, perplexity: Double

    init(_ json: String) throws {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      self = try decoder.decode(Document.self, from: Data(json.utf8))
    }
  }

  /// A folder with a small trained model in `trained`.
  private func model() async throws -> Folder {
    let folder = try Folder()
    let outcome = try await Binary.run(
      "finetune --steps 20 --answers 0 --no-progress --export trained".split(separator: " ")
        .map(String.init), in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.error)")
    return folder
  }

  private func score(_ words: String, _ more: [String] = [], in folder: Folder) async throws
    -> Document
  {
    let outcome = try await Binary.run(
      ["score", "--pretrained", "trained", "--json"] + words.split(separator: " ").map(String.init)
        + more, in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.error)")
    return try Document(outcome.output)
  }

  private static let texts = [
    "mnli hypothesis: no farmers are in the hotel premise: all dancers read target: neutral",
    "the dog", "à 🐢\tx\n", "mnli hypothesis:",
  ]
  private static let pairs = [
    ("mnli hypothesis: a dog sleeps premise: the dog sleeps target:", " entailment"),
    ("mnli hypothesis: a dog sleeps premise: the dog sleeps target:", " neutral"),
    ("the dog \n", "sleeps in the hotel"), ("", "the dog"), ("the dog", "s read in the hotel"),
  ]

  @Test(
    .enabled(if: hasTransformers, "needs python3 with torch and transformers"),
    arguments: [1, 4])
  func `Scores are those of transformers, cut as lm-evaluation-harness cuts`(
    tensorParallel: Int
  ) async throws {
    let folder = try await model()
    let lines =
      try Self.texts.map { try JSONEncoder().encode(["text": $0]) }
      + Self.pairs.map { try JSONEncoder().encode(["context": $0.0, "continuation": $0.1]) }
    try Data(lines.joined(separator: Data("\n".utf8))).write(
      to: folder.url.appendingPathComponent("requests.jsonl"))
    let ours = try await score(
      "--requests requests.jsonl --tp \(tensorParallel)", in: folder
    ).results
    let output = try #require(try await python(Self.oracle, in: folder))
    let theirs = try JSONDecoder().decode([Theirs].self, from: Data(output.utf8))
    #expect(ours.count == theirs.count && ours.count == 9)
    for (ours, theirs) in zip(ours, theirs) {
      #expect(ours.tokens.map(\.id) == theirs.ids)
      #expect(ours.scoredTokens == theirs.logprobs.count)
      for (one, other) in zip(ours.tokens.suffix(ours.scoredTokens), theirs.logprobs) {
        #expect(abs((one.logprob ?? 0) - other) < 2e-5)
      }
      #expect(abs(ours.logLikelihood - theirs.logprobs.reduce(0, +)) < 1e-4)
      #expect(ours.isGreedy == theirs.greedy)
      let mean = theirs.logprobs.reduce(0, +) / Double(theirs.logprobs.count)
      #expect(abs(ours.perplexity / exp(-mean) - 1) < 1e-4)
    }
  }

  private struct Theirs: Decodable {
    let ids: [Int]
    let logprobs: [Double]
    let greedy: Bool
  }

  /// `_encode_pair` and `loglikelihood` are lm-evaluation-harness' (lm_eval/api/model.py).
  private static let oracle = """
    import json, torch, transformers
    tokenizer = transformers.AutoTokenizer.from_pretrained("trained")
    model = transformers.AutoModelForCausalLM.from_pretrained("trained").float().eval()
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
    def encode_pair(context, continuation):
        n = len(context) - len(context.rstrip())
        if n > 0:
            continuation, context = context[-n:] + continuation, context[:-n]
        whole, context_ids = encode(context + continuation), encode(context)
        return context_ids, whole[len(context_ids):]
    results = []
    for line in open("requests.jsonl", encoding="utf-8"):
        row = json.loads(line)
        if "text" in row:
            ids = encode(row["text"])
            context, continuation = ids[:1], ids[1:]
        elif row["context"] == "":
            context, continuation = [tokenizer.eos_token_id], encode(row["continuation"])
        else:
            context, continuation = encode_pair(row["context"], row["continuation"])
        ids = torch.tensor([context + continuation])
        with torch.no_grad():
            logits = model(ids[:, :-1]).logits[0, len(context) - 1:].double()
        wanted = torch.tensor(continuation)
        logprobs = torch.log_softmax(logits, -1).gather(-1, wanted[:, None])[:, 0]
        results.append(dict(ids=context + continuation, logprobs=logprobs.tolist(),
                            greedy=bool((logits.argmax(-1) == wanted).all())))
    print(json.dumps(results))
    """

  @Test func `Texts, ids, lines and continuations are scored alike, as text and as JSON`()
    async throws
  {
    let folder = try await model()
    let text = "mnli hypothesis: the dog sleeps"
    let first = try await score("--text", [text], in: folder)
    let ids = first.results[0].tokens.map { "\($0.id)" }.joined(separator: ",")
    #expect(first.results[0].text == text && first.results[0].tokens[0].logprob == nil)
    #expect(first.results[0].tokens.map(\.text).joined() == text)
    let second = try await score("--ids \(ids) --ids \(ids) --tp 2", in: folder)
    #expect(second.results.count == 2 && second.scoredTokens == 2 * first.scoredTokens)
    for result in second.results {
      #expect(abs(result.logLikelihood - first.logLikelihood) < 1e-4)
    }
    #expect(abs(second.logLikelihood - 2 * first.logLikelihood) < 2e-4)
    let whole = try await score("--bos --text", [text], in: folder)
    #expect(whole.scoredTokens == first.scoredTokens + 1)
    let parts = try await score(
      "--continuation",
      [" the dog sleeps", "--continuation", " ", "--context", "mnli hypothesis:"],
      in: folder)
    #expect(parts.results[0].text == text && parts.results[1].text == "mnli hypothesis: ")
    let printed = try await Binary.shell(
      "printf '\(text)\\nthe dog\\n' | gptj-bench score --pretrained trained", in: folder)
    #expect(printed.output.contains("All 2: log-likelihood"))
    #expect(printed.output.contains("\" hypothesis\""))
    let empty = try await Binary.run(["score", "--pretrained", "trained"], in: folder)
    #expect(empty.exitCode == 65 && empty.error.contains("standard input"))
  }

  @Test func `Texts that cannot be scored are said by number, with exit code 65`() async throws {
    let folder = try await model()
    try Data("{\"text\": \"the dog\"}\n\n{\"text\": 3}".utf8).write(
      to: folder.url.appendingPathComponent("bad.jsonl"))
    for (words, code, fragments) in [
      ("--ids 5,413", 65, ["text 1", "id 413", "token 2", "0 to 412"]),
      ("--ids 5,6 --ids 5,-1", 65, ["text 2", "id -1"]),
      ("--ids 5", 65, ["text 1 has 1 token "]), ("--ids 5,x", 64, ["5,x", "token ids"]),
      ("--ids 5,,6", 64, ["token ids"]), ("--ids 99999999999,6", 64, ["token ids"]),
      ("--context a", 64, ["--continuation"]), ("--continuation a", 64, ["--context"]),
      ("--requests nowhere.jsonl", 66, ["nowhere.jsonl"]),
      ("--requests bad.jsonl", 65, ["bad.jsonl:3:", "continuation"]),
      ("--ids 5,6 --tp 3", 64, ["tensor_parallel 3"]),
      ("--ids \(Array(repeating: "5", count: 9000).joined(separator: ","))", 65, ["n_positions"]),
    ] as [(String, Int32, [String])] {
      let outcome = try await Binary.run(
        ["score", "--pretrained", "trained"] + words.split(separator: " ").map(String.init),
        in: folder)
      #expect(outcome.exitCode == code && !outcome.trapped, "\(words.prefix(40)): \(outcome.error)")
      #expect(outcome.output.isEmpty)
      for fragment in fragments {
        #expect(outcome.error.contains(fragment), "\(words.prefix(40)): \(outcome.error)")
      }
    }
  }

  @Test func `An evaluation's report, its ranking and its predictions say the same`() async throws {
    let folder = try await model()
    func evaluate(_ words: String) async throws -> Binary.Outcome {
      try await Binary.run(
        ["evaluate", "--pretrained", "trained"] + words.split(separator: " ").map(String.init),
        in: folder)
    }
    let outcome = try await evaluate("--answers 9 --json --predictions out.jsonl --tp 2")
    #expect(outcome.exitCode == 0, "\(outcome.error)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let splits = try decoder.decode(Report.self, from: Data(outcome.output.utf8)).evaluations
    let lines = try folder.reading("out.jsonl").split(separator: "\n").map {
      try decoder.decode(Line.self, from: Data($0.utf8))
    }
    #expect(splits.count == 2 && lines.count == 18)
    for split in splits {
      let own = lines.filter { $0.split == split.split }
      #expect(own.map(\.index) == Array(0..<9))
      #expect(own.filter(\.correct).count == split.correct)
      #expect(own.filter { $0.label == nil }.count == split.badlyFormed)
      #expect(own.filter { $0.ranked == $0.gold }.count == split.ranking?.correct)
      for line in own {
        #expect(line.scores.max { $0.value < $1.value }?.key == line.ranked)
        #expect(line.prompt.hasSuffix("target:") && line.correct == (line.label == line.gold))
      }
      for (row, gold) in split.confusion.labels.enumerated() {
        let answers = own.filter { $0.gold == gold }.map(\.label)
        let counts = split.confusion.labels.map { label in answers.filter { $0 == label }.count }
        #expect(split.confusion.counts[row] == counts + [answers.filter { $0 == nil }.count])
      }
    }
    let text = try await evaluate("--answers 9 --no-ranking")
    #expect(text.output.contains("right label") && !text.output.contains("ranking"))
    #expect(try await evaluate("--answers 9").output.contains("Correct by label ranking"))
    let refused = try await evaluate("--answers 9 --predictions no/where.jsonl")
    #expect(refused.exitCode == 1 && refused.error.contains("cannot write no/where.jsonl"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(names.sorted() == ["out.jsonl", "trained"])
  }

  @Test func `Predictions go through links, and a full disk or a directory is said`() async throws {
    let folder = try await model()
    // Through a link, so that a mistake here replaces the link and not the device.
    let setUp = try await Binary.shell(
      "ln -s /dev/full full; echo old > file; ln -s file link; mkdir folder", in: folder)
    #expect(setUp.exitCode == 0)
    func evaluate(_ path: String) async throws -> Binary.Outcome {
      let words = "evaluate --pretrained trained --answers 1 --predictions".split(separator: " ")
      return try await Binary.run(words.map(String.init) + [path], in: folder)
    }
    #expect(try await evaluate("link").exitCode == 0)
    #expect(try folder.reading("file").split(separator: "\n").count == 2)
    for (path, reason) in [("full", "full"), ("folder", "directory"), ("file/x", "cannot write")] {
      let outcome = try await evaluate(path)
      #expect(outcome.exitCode == 1 && outcome.error.contains(path), "\(outcome.error)")
      #expect(outcome.error.contains(reason), "\(outcome.error)")
    }
    let kinds = try await Binary.shell("ls -1; test -L full && test -L link", in: folder)
    #expect(kinds.exitCode == 0 && kinds.output == "file\nfolder\nfull\nlink\ntrained\n")
  }

  private struct Report: Decodable {
    struct Split: Decodable {
      struct Confusion: Decodable {
        let labels: [String]
        let counts: [[Int]]
      }
      struct Ranking: Decodable { let correct: Int }
      let split: String
      let badlyFormed, correct: Int
      let confusion: Confusion
      let ranking: Ranking?
    }
    let evaluations: [Split]
  }

  private struct Line: Decodable {
    let split, prompt, gold, answer: String
    let index: Int
    let label, ranked: String?
    let correct: Bool
    let scores: [String: Double]
  }
}
