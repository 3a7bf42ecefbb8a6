/// The words of one genre of the generated set: a small taxonomy, and what its members can do.
struct Genre: Sendable {
  let name: String
  /// All nouns in the plural: the genre's widest first, then each group with its kinds.
  let nouns: [String]
  /// What a clause says of a noun: a verb, or a place to be in.
  let predicates: [String]
  /// Index is a noun, value the next wider one; the widest has none.
  private let wider: [Int?]

  init(
    name: String, widest: String, groups: KeyValuePairs<String, [String]>, verbs: [String],
    places: [String]
  ) {
    self.name = name
    var nouns = [widest]
    var wider: [Int?] = [nil]
    for (group, kinds) in groups {
      let index = nouns.count
      nouns += [group] + kinds
      wider += [0] + kinds.map { _ in index }
    }
    self.nouns = nouns
    self.wider = wider
    predicates = verbs + places.map { "are in the \($0)" }
  }

  /// Whether every `narrow` is a `wide`; each noun is itself.
  func isKind(_ narrow: Int, of wide: Int) -> Bool {
    var noun: Int? = narrow
    while let current = noun {
      if current == wide { return true }
      noun = wider[current]
    }
    return false
  }

  /// Whether one of the two nouns is a kind of the other.
  func areRelated(_ first: Int, _ second: Int) -> Bool {
    isKind(first, of: second) || isKind(second, of: first)
  }
}

/// Every group has at least two kinds, so that none of its statements says the same as a kind's.
extension Genre {
  static let farm = Genre(
    name: "farm", widest: "animals",
    groups: [
      "birds": ["ducks", "owls"], "dogs": ["hounds", "pugs"],
    ],
    verbs: ["eat", "hide", "run", "sleep"], places: ["barn", "field"])

  static let town = Genre(
    name: "town", widest: "people",
    groups: [
      "artists": ["dancers", "painters"], "traders": ["bakers", "farmers"],
    ],
    verbs: ["read", "sing", "wait", "write"], places: ["hotel", "school"])

  /// The genre of `validation_mismatched`: none of its nouns, verbs and places is in training.
  static let traffic = Genre(
    name: "traffic", widest: "machines",
    groups: [
      "boats": ["canoes", "ferries"], "cars": ["jeeps", "taxis"],
    ],
    verbs: ["arrive", "crash", "stop", "turn"], places: ["garage", "tunnel"])
}
