import Testing

@testable import Datasets

@Suite struct EntailmentSetTests {
  @Test(arguments: EntailmentSet.Split.allCases)
  func `every label is what all small worlds say`(split: EntailmentSet.Split) {
    for example in EntailmentSet(seed: 3).examples(of: split, count: 400) {
      let label = Worlds.label(premise: example.premise, hypothesis: example.hypothesis)
      #expect(label == example.label, "\(example.premise) / \(example.hypothesis)")
    }
  }

  @Test(arguments: [
    ("all birds eat", "all owls eat", EntailmentLabel.entailment),
    ("all owls eat", "all birds eat", .neutral),
    ("all owls eat", "some birds eat", .entailment),
    ("no birds eat", "no owls eat", .entailment),
    ("no owls eat", "no birds eat", .neutral),
    ("no owls eat", "not all birds eat", .entailment),
    ("not all birds eat", "not all owls eat", .neutral),
    ("some owls eat", "no birds eat", .contradiction),
    ("all dogs run but no birds eat", "some owls eat", .contradiction),
    ("no dogs run but all birds eat", "some hounds run", .contradiction),
    ("some dogs run but no birds eat", "some hounds run", .neutral),
  ])
  func `the worlds agree with a reader`(premise: String, hypothesis: String, label: EntailmentLabel)
  {
    #expect(Worlds.label(premise: premise, hypothesis: hypothesis) == label)
  }

  @Test func `no held-out pair is in training`() {
    func pairs(_ split: EntailmentSet.Split, _ count: Int, _ seed: UInt64) -> Set<[String]> {
      Set(
        EntailmentSet(seed: seed).examples(of: split, count: count)
          .map { [$0.premise, $0.hypothesis] })
    }
    // Other seeds too: the pair decides, not the draw.
    let training = pairs(.train, 8_000, 1).union(pairs(.train, 4_000, 2))
    #expect(training.isDisjoint(with: pairs(.validationMatched, 500, 1)))
    #expect(training.isDisjoint(with: pairs(.validationMatched, 500, 3)))
    #expect(training.isDisjoint(with: pairs(.validationMismatched, 1_000, 1)))
    // Two samples of one split do meet: were the split by draw, this test could see it.
    #expect(!training.isDisjoint(with: pairs(.train, 4_000, 4)))
  }

  @Test func `the mismatched genre shares no noun, verb or place with training`() {
    let training = Set([Genre.farm, .town].flatMap { $0.nouns + $0.predicates })
    #expect(training.isDisjoint(with: Genre.traffic.nouns + Genre.traffic.predicates))
    let set = EntailmentSet(seed: 1)
    #expect(
      Set(set.examples(of: .validationMismatched, count: 50).map(\.genre)) == ["traffic"])
    #expect(
      Set(set.examples(of: .validationMatched, count: 50).map(\.genre)) == ["farm", "town"])
  }

  @Test func `the set depends on nothing but seed, split and index`() {
    let set = EntailmentSet(seed: 5)
    let first = Array(set.examples(of: .train, count: 20))
    #expect(first == Array(EntailmentSet(seed: 5).examples(of: .train, count: 20)))
    #expect(first[13] == set.example(13, of: .train))
    #expect(first != Array(EntailmentSet(seed: 6).examples(of: .train, count: 20)))
    // Golden: another machine or compiler must make these very words.
    #expect(
      set.example(0, of: .train).mnli.trainingPrompt
        == """
        mnli hypothesis: some artists are in the hotel premise: all artists are in the school \
        but no dancers are in the hotel target: neutral<|endoftext|>
        """)
  }

  @Test func `labels are balanced, quantifiers and hypernyms all occur`() {
    let examples = Array(EntailmentSet(seed: 2).examples(of: .train, count: 3_000))
    for label in EntailmentLabel.allCases {
      // 1,000 expected, standard deviation 26.
      #expect((870...1130).contains(examples.count { $0.label == label }), "\(label)")
    }
    for words in ["all ", "some ", "no "] {
      #expect(examples.count { $0.hypothesis.hasPrefix(words) } > 500, "\(words)")
    }
    #expect(examples.count { $0.premise.hasPrefix("not all ") } > 100)
    let wider = examples.count { $0.premise.contains("birds") && $0.hypothesis.contains("owls") }
    #expect(wider > 10)
  }

  @Test func `prompts are the notebook's`() {
    let example = EntailmentExample(
      premise: "all owls eat", hypothesis: "some birds eat", label: .entailment, genre: "farm")
    #expect(
      example.mnli.trainingPrompt
        == "mnli hypothesis: some birds eat premise: all owls eat target: entailment<|endoftext|>")
    #expect(
      example.mnli.validationPrompt
        == "mnli hypothesis: some birds eat premise: all owls eat target:")
  }
}
