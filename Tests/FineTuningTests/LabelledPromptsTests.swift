import Datasets
import Emulator
import Foundation
import Testing

@testable import FineTuning

@Suite("Reports on prompts whose answers are labels")
struct LabelledPromptsTests {
  private static let prompts = LabelledPrompts(
    labels: ["good", "bad"],
    [
      .init("the film is dull, so it is", gold: 1), .init("the film is fine, so it is", gold: 0),
      .init("the film is long, so it is", gold: 1), .init("the film is new, so it is", gold: 0),
    ])

  @Test("Answers are counted by the labels of any task, what is no label as badly formed")
  func answers() throws {
    let tokenizer = try Tokenizer.embedded()
    var asked: [[Int32]] = []
    let report = try Self.prompts.report(tokenizer, scorer: nil) { prompts in
      asked = prompts
      return [" bad<|endoftext|>", " bad", "good \n", " goodness"].map { tokenizer.encode($0) }
    }
    #expect(asked.map { tokenizer.decode($0) } == Self.prompts.prompts.map(\.text))
    #expect(report.answers.counts == [[0, 1, 1], [1, 1, 0]])
    #expect(report.predictions.map(\.label) == [1, 1, 0, nil])
    #expect(
      report.predictions.map(\.answer) == [" bad<|endoftext|>", " bad", "good \n", " goodness"])
    #expect(report.ranking == nil && report.predictions.allSatisfy { $0.ranked == nil })
    #expect((report.examples, report.correct, report.incorrect, report.badlyFormed) == (4, 1, 2, 1))
  }

  @Test("Entailment pairs are asked as the notebook asks them, in the reference's order of labels")
  func entailment() {
    let examples = EntailmentLabel.allCases.map {
      EntailmentExample(premise: "p", hypothesis: "h", label: $0, genre: "")
    }
    let prompts = LabelledPrompts(examples)
    #expect(prompts.labels == ["entailment", "neutral", "contradiction"])
    #expect(prompts.continuations == [" entailment", " neutral", " contradiction"])
    #expect(prompts.prompts.map(\.gold) == [0, 1, 2])
    #expect(prompts.prompts[0].text == "mnli hypothesis: h premise: p target:")
    for prompt in prompts.prompts {
      let whole = examples[prompt.gold].trainingPrompt
      #expect(whole == prompt.text + prompts.continuations[prompt.gold] + Tokenizer.endOfText)
    }
  }

  @Test("The ranked label is the one with the largest score, the first of equal ones")
  func ranked() {
    func ranked(_ scores: [Double]) -> Int? {
      EvaluationReport.Prediction(
        prompt: .init("", gold: 0), answer: "", label: nil, scores: scores
      ).ranked
    }
    #expect(ranked([-3, -1, -2]) == 1 && ranked([-1, -1, -2]) == 0 && ranked([-2, -1, -1]) == 1)
    #expect(ranked([]) == nil && ranked([-.infinity]) == 0)
  }

  @Test(
    "Trained on one label, a model ranks it first, and its scores are the labels' probabilities")
  func ranking() throws {
    let (trainer, _) = try train(smallConfiguration(tensorParallel: 2), steps: 40)
    let task = try EntailmentTask(seed: 1)
    let examples = task.heldOut(count: 12)[0].examples
    let prompts = LabelledPrompts(examples)
    let options = Emulator.Options(workers: 2)
    let report = try trainer.evaluate(
      prompts, tokenizer: task.tokenizer, ranksLabels: true, options)
    let ranking = try #require(report.ranking)
    #expect(ranking.examples == 12 && ranking.badlyFormed == 0)
    #expect(ranking.correct == report.predictions.filter { $0.ranked == $0.prompt.gold }.count)
    for prediction in report.predictions {
      #expect(prediction.scores.count == 3)
      // Together they are at most certain.
      #expect(prediction.scores.reduce(0) { $0 + exp($1) } < 1 + 1e-5)
      // A well-formed greedy answer of one token is the most likely one.
      if let label = prediction.label { #expect(prediction.ranked == label) }
    }
    let plain = try trainer.evaluate(prompts, tokenizer: task.tokenizer, options)
    #expect(plain.answers == report.answers && plain.ranking == nil)
  }
}

@Suite("Continuations are cut from their context as evaluation harnesses cut them")
struct ScoringRequestTests {
  private let tokenizer: Tokenizer

  init() throws { tokenizer = try Tokenizer.embedded() }

  private func parts(_ context: String, _ continuation: String) -> (String, String) {
    let request = ScoringRequest(context: context, continuation: continuation, tokenizer)
    return (
      tokenizer.decode(request.ids.prefix(request.firstScored)),
      tokenizer.decode(request.ids.dropFirst(request.firstScored))
    )
  }

  @Test("Spaces at the end of a context belong to the continuation")
  func spaces() {
    #expect(parts("the dog", " sleeps") == ("the dog", " sleeps"))
    #expect(parts("the dog ", "sleeps") == ("the dog", " sleeps"))
    #expect(parts("the dog \n ", "sleeps") == ("the dog", " \n sleeps"))
  }

  @Test("A context without a word is the end of text")
  func empty() {
    #expect(parts("", "sleeps") == ("<|endoftext|>", "sleeps"))
    #expect(parts("  ", "sleeps") == ("<|endoftext|>", "  sleeps"))
  }

  @Test("A continuation that melts into its context leaves what is beyond as many tokens")
  func melting() {
    let request = ScoringRequest(context: "the dog", continuation: "s sleep", tokenizer)
    #expect(request.ids == tokenizer.encode("the dogs sleep"))
    #expect(request.firstScored == tokenizer.encode("the dog").count)
  }
}
