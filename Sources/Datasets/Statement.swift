/// How many of a noun's members a clause speaks of.
enum Quantifier: Int, CaseIterable, Sendable {
  case all, some, no, notAll

  var words: String {
    switch self {
    case .all: "all"
    case .some: "some"
    case .no: "no"
    case .notAll: "not all"
    }
  }

  /// What is true exactly when this is false.
  var negation: Quantifier {
    switch self {
    case .all: .notAll
    case .some: .no
    case .no: .some
    case .notAll: .all
    }
  }
}

/// One clause, such as "no owls are in the barn"; noun and predicate are indices into a `Genre`.
///
/// Read as the traditional square of opposition: every noun has members, so that "all owls sleep"
/// entails "some owls sleep". Predicates are independent of each other.
struct Statement: Hashable, Sendable {
  var quantifier: Quantifier
  var noun: Int
  var predicate: Int

  func text(in genre: Genre) -> String {
    "\(quantifier.words) \(genre.nouns[noun]) \(genre.predicates[predicate])"
  }

  /// Whether `other` is true wherever this is.
  func entails(_ other: Statement, in genre: Genre) -> Bool {
    guard predicate == other.predicate else { return false }
    switch (quantifier, other.quantifier) {
    case (.all, .all), (.no, .no):
      return genre.isKind(other.noun, of: noun)
    case (.some, .some), (.notAll, .notAll):
      return genre.isKind(noun, of: other.noun)
    case (.all, .some), (.no, .notAll):
      // The narrower noun has members, and they are members of both.
      return genre.areRelated(noun, other.noun)
    default:
      return false
    }
  }

  /// The label of this hypothesis after a premise of one or two clauses with different predicates.
  ///
  /// At most one clause has the hypothesis' predicate, and the other cannot matter: predicates are
  /// independent, so no two clauses say more together than each says alone.
  func label(after premise: [Statement], in genre: Genre) -> EntailmentLabel {
    var negated = self
    negated.quantifier = quantifier.negation
    if premise.contains(where: { $0.entails(self, in: genre) }) { return .entailment }
    if premise.contains(where: { $0.entails(negated, in: genre) }) { return .contradiction }
    return .neutral
  }
}
