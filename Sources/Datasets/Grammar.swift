/// Draws pairs of one genre.
struct Grammar: Sendable {
  private let genre: Genre
  /// Index is a noun, value the nouns it is a kind of or that are kinds of it, itself included.
  private let related: [[Int]]
  /// The label of each (premise quantifier, premise noun, quantifier, noun) over one predicate.
  private let labels: [EntailmentLabel]

  /// The quantifiers of a contrasted premise: one affirms, one denies.
  private static let contrasts: [(Quantifier, Quantifier)] = [(.all, .no), (.some, .no)]

  /// The quantifiers of a hypothesis; "not all" is left to plain premises, as a small model needs
  /// much longer with it.
  private static let asked: [Quantifier] = [.all, .some, .no]

  init(_ genre: Genre) {
    self.genre = genre
    let nouns = genre.nouns.indices
    related = nouns.map { noun in nouns.filter { genre.areRelated(noun, $0) } }
    var labels: [EntailmentLabel] = []
    for first in Quantifier.allCases {
      for premiseNoun in nouns {
        let premise = Statement(quantifier: first, noun: premiseNoun, predicate: 0)
        for second in Quantifier.allCases {
          labels += nouns.map {
            Statement(quantifier: second, noun: $0, predicate: 0).label(after: [premise], in: genre)
          }
        }
      }
    }
    self.labels = labels
  }

  /// What a premise is made of.
  enum Kind {
    /// One clause.
    case plain
    /// Two clauses, whose words would make each label true in some arrangement.
    case contrasted
  }

  /// One pair, or nil when the words drawn cannot be arranged for each of the three labels.
  func draw(_ kind: Kind, _ numbers: inout SplitMix64) -> EntailmentExample? {
    let hypothesis = Statement(
      quantifier: numbers.pick(Self.asked),
      noun: numbers.next(below: genre.nouns.count),
      predicate: numbers.next(below: genre.predicates.count))
    let label = numbers.pick(EntailmentLabel.allCases)
    let drawn =
      switch kind {
      case .plain: plain(hypothesis, label, &numbers)
      case .contrasted: contrasted(hypothesis, label, &numbers)
      }
    guard let premise = drawn else { return nil }
    return EntailmentExample(
      premise: premise.map { $0.text(in: genre) }.joined(separator: " but "),
      hypothesis: hypothesis.text(in: genre), label: label, genre: genre.name)
  }

  /// One clause that makes `label` true; a neutral one nearly holds or nearly contradicts.
  private func plain(
    _ hypothesis: Statement, _ label: EntailmentLabel, _ numbers: inout SplitMix64
  ) -> [Statement]? {
    let changesPredicate = label == .neutral && numbers.next(below: 2) == 0
    var clauses: [Statement] = []
    for quantifier in Quantifier.allCases {
      for noun in related[hypothesis.noun] {
        let clause = Statement(
          quantifier: quantifier, noun: noun, predicate: hypothesis.predicate)
        let found = self.label(of: hypothesis, after: clause)
        if changesPredicate ? found != .neutral : found == label { clauses.append(clause) }
      }
    }
    guard !clauses.isEmpty else { return nil }
    var clause = numbers.pick(clauses)
    if changesPredicate { clause.predicate = otherPredicate(than: clause.predicate, &numbers) }
    return [clause]
  }

  /// Two clauses whose words, differently arranged, would make either other label true.
  private func contrasted(
    _ hypothesis: Statement, _ label: EntailmentLabel, _ numbers: inout SplitMix64
  ) -> [Statement]? {
    let quantifiers = numbers.pick(Self.contrasts)
    let near = related[hypothesis.noun]
    let first = numbers.pick(near)
    let second =
      numbers.next(below: 2) == 0 ? numbers.pick(near) : numbers.next(below: genre.nouns.count)
    let other = otherPredicate(than: hypothesis.predicate, &numbers)
    guard first != second else { return nil }
    var arrangements: [(label: EntailmentLabel, premise: [Statement])] = []
    for (mine, theirs) in [quantifiers, (quantifiers.1, quantifiers.0)] {
      for (noun, otherNoun) in [(first, second), (second, first)] {
        let clause = Statement(quantifier: mine, noun: noun, predicate: hypothesis.predicate)
        let rest = Statement(quantifier: theirs, noun: otherNoun, predicate: other)
        arrangements.append((self.label(of: hypothesis, after: clause), [clause, rest]))
      }
    }
    guard Set(arrangements.map(\.label)).count == EntailmentLabel.allCases.count else { return nil }
    let premise = numbers.pick(arrangements.filter { $0.label == label }).premise
    return numbers.next(below: 2) == 0 ? premise : premise.reversed()
  }

  /// The table's answer for two clauses over one predicate.
  private func label(of hypothesis: Statement, after clause: Statement) -> EntailmentLabel {
    let premiseRow = clause.quantifier.rawValue * genre.nouns.count + clause.noun
    let row = premiseRow * Quantifier.allCases.count + hypothesis.quantifier.rawValue
    return labels[row * genre.nouns.count + hypothesis.noun]
  }

  private func otherPredicate(than predicate: Int, _ numbers: inout SplitMix64) -> Int {
    let drawn = numbers.next(below: genre.predicates.count - 1)
    return drawn < predicate ? drawn : drawn + 1
  }
}
