@testable import Datasets

/// Labels by trying every small world: shares nothing with the grammar but the English.
///
/// A world has two members for each way of belonging to the nouns that a pair speaks of, and says of
/// each member whether the two predicates hold. Two members are enough to tell all, some and none
/// apart. Every noun so has members, as the set promises.
enum Worlds {
  /// The label of a pair, nil when no world makes the premise true.
  static func label(premise: String, hypothesis: String) -> EntailmentLabel? {
    let clauses = premise.split(separator: " but ").map(Clause.init)
    let question = Clause(hypothesis[...])
    let all = clauses + [question]
    let patterns = membershipPatterns(of: all.map(\.noun))
    let predicates = Array(Set(all.map(\.predicate)))
    precondition(predicates.count <= 2, "a pair has at most two predicates")
    var answers: Set<Bool> = []
    for world in worlds(of: patterns.count) {
      func holds(_ clause: Clause) -> Bool {
        let bit = predicates[0] == clause.predicate ? 1 : 2
        let members = zip(patterns, world).flatMap { pattern, members in
          pattern.contains(clause.noun) ? members : []
        }
        return clause.holds(count: members.count { $0 & bit != 0 }, of: members.count)
      }
      if clauses.allSatisfy(holds) { answers.insert(holds(question)) }
      if answers.count == 2 { return .neutral }
    }
    return answers.first.map { $0 ? .entailment : .contradiction }
  }

  /// What each of two members does, whatever their order: a number's bits are predicates.
  private static let memberStates = (0..<4).flatMap { first in (first..<4).map { [first, $0] } }

  private static func worlds(of patternCount: Int) -> some Sequence<[[Int]]> {
    let choices = memberStates.count
    let worldCount = (0..<patternCount).reduce(1) { product, _ in product * choices }
    return (0..<worldCount).lazy.map { world in
      var rest = world
      return (0..<patternCount).map { _ in
        defer { rest /= choices }
        return memberStates[rest % choices]
      }
    }
  }

  /// Which of `nouns` the members of each kind belong to, every combination once.
  private static func membershipPatterns(of nouns: [String]) -> [Set<String>] {
    let mentioned = Set(nouns)
    return Array(Set(kinds.map { mentioned.intersection($0) })).filter { !$0.isEmpty }
  }

  /// Each narrowest noun with the wider ones it belongs to, by hand.
  private static let kinds: [Set<String>] = [
    ["ducks", "birds", "animals"], ["owls", "birds", "animals"],
    ["hounds", "dogs", "animals"], ["pugs", "dogs", "animals"],
    ["dancers", "artists", "people"], ["painters", "artists", "people"],
    ["bakers", "traders", "people"], ["farmers", "traders", "people"],
    ["canoes", "boats", "machines"], ["ferries", "boats", "machines"],
    ["jeeps", "cars", "machines"], ["taxis", "cars", "machines"],
  ]

  /// A clause as read from its English.
  private struct Clause {
    let quantifier: String
    let noun: String
    let predicate: String

    init(_ text: Substring) {
      var words = text.split(separator: " ").map(String.init)
      if words[0] == "not" { words[0...1] = ["not all"] }
      quantifier = words[0]
      noun = words[1]
      predicate = words[2...].joined(separator: " ")
    }

    func holds(count: Int, of members: Int) -> Bool {
      switch quantifier {
      case "all": count == members
      case "some": count > 0
      case "no": count == 0
      case "not all": count < members
      default: preconditionFailure("unknown quantifier '\(quantifier)'")
      }
    }
  }
}
