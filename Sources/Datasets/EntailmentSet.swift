/// A generated entailment set: small English, labels true by construction, any number of examples.
///
/// **Why nothing short of reading helps.** In a *contrasted* pair the hypothesis and the words of the
/// premise are fixed first, such that some arrangement of these words makes each of the three labels
/// true; then the label is drawn, then one of its arrangements. Given the hypothesis and the
/// unordered words of the premise, each label is thus equally likely, and no classifier over
/// hypotheses or bags of words can tell them apart. *Plain* pairs, of one clause, are easier, and
/// words do give them away: they are a quarter of the training, so that a small model finds a
/// beginning, and an eighth of the validation splits.
///
/// **Why held-out pairs are unseen.** A hash of the pair decides its split, so that the splits are
/// disjoint for every seed and every number of examples. A pair may recur within a split.
package struct EntailmentSet: Sendable {
  /// The three parts, by their names in MNLI.
  package enum Split: String, CaseIterable, Sendable {
    case train
    case validationMatched = "validation_matched"
    case validationMismatched = "validation_mismatched"
  }

  private let seed: UInt64

  /// Two sets of one seed are equal on every platform.
  package init(seed: UInt64) {
    self.seed = seed
  }

  /// The first `count` examples of a split, made as they are asked for.
  package func examples(
    of split: Split, count: Int
  ) -> some Sequence<EntailmentExample> & Sendable {
    (0..<count).lazy.map { example($0, of: split) }
  }

  /// Example `index` of a split, without making those before it.
  package func example(_ index: Int, of split: Split) -> EntailmentExample {
    precondition(index >= 0, "examples count from 0")
    var numbers = SplitMix64(seed: seed &+ Self.salt(of: split), counter: UInt64(index))
    let genres = split == .validationMismatched ? Self.heldOutGenres : Self.trainingGenres
    // Drawn once: were it drawn again after every rejection, the shares would be others.
    let kind: Grammar.Kind =
      numbers.next(below: 8) < (split == .train ? 2 : 1) ? .plain : .contrasted
    while true {
      guard let example = numbers.pick(genres).draw(kind, &numbers) else { continue }
      if split == .validationMismatched || Self.isHeldOut(example) == (split == .validationMatched)
      {
        return example
      }
    }
  }

  private static let trainingGenres = [Grammar(.farm), Grammar(.town)]
  private static let heldOutGenres = [Grammar(.traffic)]

  private static func salt(of split: Split) -> UInt64 {
    switch split {
    case .train: 0
    case .validationMatched: 1 << 62
    case .validationMismatched: 2 << 62
    }
  }

  /// One pair in sixteen belongs to the validation split, whatever the seed.
  private static func isHeldOut(_ example: EntailmentExample) -> Bool {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a offset basis, draft-eastlake-fnv
    for text in [example.hypothesis, "\n", example.premise] {
      for byte in text.utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3  // FNV-1a prime, draft-eastlake-fnv
      }
    }
    return (hash ^ hash >> 32) % 16 == 0
  }
}
