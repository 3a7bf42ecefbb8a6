import Testing

@testable import Datasets

/// What a classifier may look at: none of these may give the label away.
enum Look: String, CaseIterable {
  /// Words, pairs and triples of neighbouring words of the hypothesis.
  case hypothesis
  /// Which words the pair has.
  case words
  /// How often the pair has each word.
  case wordCounts
  /// Which words the premise has and which the hypothesis.
  case wordsBySide

  func features(of example: EntailmentExample) -> Set<String> {
    let premise = example.premise.split(separator: " ").map(String.init)
    let hypothesis = example.hypothesis.split(separator: " ").map(String.init)
    switch self {
    case .hypothesis:
      let pairs = zip(hypothesis, hypothesis.dropFirst()).map { "\($0) \($1)" }
      let triples = zip(pairs, hypothesis.dropFirst(2)).map { "\($0) \($1)" }
      return Set(hypothesis + pairs + triples)
    case .words:
      return Set(premise + hypothesis)
    case .wordCounts:
      let counts = Dictionary((premise + hypothesis).map { ($0, 1) }, uniquingKeysWith: +)
      return Set(counts.flatMap { word, count in (1...count).map { "\(word) x \($0)" } })
    case .wordsBySide:
      return Set(premise.map { "p:\($0)" } + hypothesis.map { "h:\($0)" })
    }
  }
}

@Suite struct LeakTests {
  static let training = Array(EntailmentSet(seed: 11).examples(of: .train, count: 6_000))
  static let heldOut = Array(EntailmentSet(seed: 11).examples(of: .validationMatched, count: 2_000))

  @Test(arguments: Look.allCases)
  func `words without their order do not tell the label`(look: Look) {
    let accuracies = Self.accuracies(look, Self.training, Self.heldOut)
    print("leak \(look): naive Bayes \(accuracies.0), logistic regression \(accuracies.1)")
    #expect(accuracies.0 <= 0.45)
    #expect(accuracies.1 <= 0.45)
  }

  @Test(arguments: Look.allCases)
  func `a planted leak is found`(look: Look) {
    let accuracies = Self.accuracies(
      look, Self.training.map(Self.plantLeak), Self.heldOut.map(Self.plantLeak))
    #expect(accuracies.0 > 0.55)
    #expect(accuracies.1 > 0.55)
  }

  /// Gives hypotheses that follow another last word than those that do not, as writers would.
  private static func plantLeak(_ example: EntailmentExample) -> EntailmentExample {
    EntailmentExample(
      premise: example.premise,
      hypothesis: example.hypothesis + (example.label == .entailment ? " surely" : " never"),
      label: example.label, genre: example.genre)
  }

  private static func accuracies(
    _ look: Look, _ training: [EntailmentExample], _ heldOut: [EntailmentExample]
  ) -> (naiveBayes: Double, logisticRegression: Double) {
    var encoder = FeatureEncoder()
    let rows = training.map { encoder.encode(look.features(of: $0), $0.label) }
    let questions = heldOut.map { encoder.encode(look.features(of: $0), $0.label) }
    let bayes = LinearClassifier(naiveBayes: rows, featureCount: encoder.count)
    let regression = LinearClassifier(logisticRegression: rows, featureCount: encoder.count)
    return (bayes.accuracy(on: questions), regression.accuracy(on: questions))
  }
}
