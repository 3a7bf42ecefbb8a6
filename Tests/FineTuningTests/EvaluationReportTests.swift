import Configuration
import Datasets
import Emulator
import Foundation
import Testing

@testable import FineTuning

@Suite("Reports on questions")
struct EvaluationReportTests {
  private static let prompts = [
    Questions.Prompt("the film is dull, so it is", answer: "bad"),
    Questions.Prompt("the film is fine, so it is", answer: "good"),
    Questions.Prompt("the film is long, so it is", answer: "bad"),
    Questions.Prompt("the film is new, so it is", answer: "good"),
  ]
  private static let answers = [" bad<|endoftext|>", " bad", "good \n", " goodness"]

  private func report(labels: [String]?, _ answers: [String]) throws -> EvaluationReport {
    let tokenizer = try Tokenizer.embedded()
    return try Questions(Self.prompts, labels: labels).report(tokenizer, scorer: nil) { prompts in
      #expect(prompts.map { tokenizer.decode($0) } == Self.prompts.map(\.text))
      return answers.map { tokenizer.encode($0) }
    }
  }

  @Test("Answers are counted by the labels of any task, what is no label as badly formed")
  func answers() throws {
    let report = try report(labels: ["good", "bad"], Self.answers)
    #expect(report.confusion?.counts == [[0, 1, 1], [1, 1, 0]])
    #expect(report.predictions.map(\.label) == [1, 1, 0, nil])
    #expect(report.predictions.map(\.answer) == Self.answers)
    #expect(report.ranking == nil && report.predictions.allSatisfy { $0.ranked == nil })
    #expect(report.predictions.map(\.outcome) == [.correct, .incorrect, .incorrect, .badlyFormed])
    #expect(report.examples == 4 && report.accuracy == 0.25)
    #expect(report.correct == 1 && report.incorrect == 2 && report.badlyFormed == 1)
  }

  @Test("Where any text may be right, only an empty answer is badly formed")
  func open() throws {
    let report = try report(labels: nil, Self.answers.dropLast() + [" <|endoftext|>"])
    #expect(report.predictions.map(\.outcome) == [.correct, .incorrect, .incorrect, .badlyFormed])
    #expect(report.confusion == nil && report.ranking == nil)
    #expect(report.predictions.allSatisfy { $0.label == nil })
  }

  @Test("Entailment pairs are asked as the notebook asks them, in the reference's order of labels")
  func entailment() {
    let labels = EntailmentLabel.allCases.map(\.rawValue)
    let examples = labels.map { Example(.mnli, ["h", "p"], answer: $0) }
    let questions = Questions(examples, labels: labels)
    #expect(questions.labels == ["entailment", "neutral", "contradiction"])
    #expect(questions.prompts[0].text == "mnli hypothesis: h premise: p target:")
    for (prompt, example) in zip(questions.prompts, examples) {
      let whole = prompt.text + questions.separator + prompt.answer + Tokenizer.endOfText
      #expect(example.trainingPrompt == whole)
    }
  }

  @Test("The ranked label is the one with the largest score, the first of equal ones")
  func ranked() {
    func ranked(_ scores: [Double]) -> Int? {
      EvaluationReport.Prediction(
        .init("", answer: "a"), answer: "", labels: ["a"], scores: scores
      ).ranked
    }
    #expect(ranked([-3, -1, -2]) == 1 && ranked([-1, -1, -2]) == 0 && ranked([-2, -1, -1]) == 1)
    #expect(ranked([]) == nil && ranked([-.infinity]) == 0)
  }

  @Test(
    "Trained on one label, a model ranks it first, and its scores are the labels' probabilities")
  func ranking() throws {
    let (trainer, _) = try train(smallConfiguration(tensorParallel: 2), steps: 40)
    let task = try TrainingTask(seed: 1)
    let split = task.heldOut(count: 12)[0]
    let questions = Questions(split.examples, labels: split.labels)
    let options = Emulator.Options(workers: 2)
    let report = try trainer.evaluate(
      questions, tokenizer: task.tokenizer, ranksLabels: true, options)
    let ranking = try #require(report.ranking)
    #expect(ranking.examples == 12 && ranking.badlyFormed == 0)
    let rankedRight = report.predictions.count { prediction in
      prediction.ranked.map { ranking.labels[$0] } == prediction.prompt.answer
    }
    #expect(ranking.correct == rankedRight)
    for prediction in report.predictions {
      #expect(prediction.scores.count == 3)
      // Together they are at most certain.
      #expect(prediction.scores.reduce(0) { $0 + exp($1) } < 1 + 1e-5)
      // A well-formed greedy answer of one token is the most likely one.
      if let label = prediction.label { #expect(prediction.ranked == label) }
    }
    let plain = try trainer.evaluate(questions, tokenizer: task.tokenizer, options)
    #expect(plain.confusion == report.confusion && plain.ranking == nil)
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

  @Test("A continuation that melts into its context is what both have beyond the context's tokens")
  func melting() {
    let (context, text) = (
      tokenizer.encode("the dog"), tokenizer.encode("the dogs read in the hotel")
    )
    #expect(Array(text.prefix(context.count)) != context)
    let request = ScoringRequest(context: "the dog", continuation: "s read in the hotel", tokenizer)
    #expect(request.ids == context + text.dropFirst(context.count))
    #expect(request.firstScored == context.count)
  }
}
