/// The three answers of MNLI, in the reference's order of labels.
package enum EntailmentLabel: String, CaseIterable, Sendable {
  case entailment, neutral, contradiction

  /// The label in a generated answer, nil when it is badly formed: when what remains of it, stripped,
  /// is not exactly one of the three words.
  package init?(extractedFrom answer: String) {
    self.init(rawValue: String(strippedAnswer(answer)))
  }
}

/// An answer without white space and `<|endoftext|>` at its ends, in any order and number.
///
/// The reference (Graphcore examples, nlp/gpt_j/popxl) missed "neutral <|endoftext|>".
package func strippedAnswer(_ answer: String) -> Substring {
  var rest = answer[...]
  while true {
    if rest.first?.isWhitespace == true {
      rest = rest.dropFirst()
    } else if rest.last?.isWhitespace == true {
      rest = rest.dropLast()
    } else if rest.hasPrefix(Tokenizer.endOfText) {
      rest = rest.dropFirst(Tokenizer.endOfText.count)
    } else if rest.hasSuffix(Tokenizer.endOfText) {
      rest = rest.dropLast(Tokenizer.endOfText.count)
    } else {
      return rest
    }
  }
}

/// The label in a generated answer, nil when it is badly formed; see `EntailmentLabel`.
package func extractLabel(from answer: String) -> EntailmentLabel? {
  EntailmentLabel(extractedFrom: answer)
}

/// A premise, a hypothesis, and whether the second follows from the first.
package struct EntailmentExample: Hashable, Sendable {
  package let premise: String
  package let hypothesis: String
  package let label: EntailmentLabel
  /// Where the words come from, such as "farm".
  package let genre: String

  package init(premise: String, hypothesis: String, label: EntailmentLabel, genre: String) {
    self.premise = premise
    self.hypothesis = hypothesis
    self.label = label
    self.genre = genre
  }

  /// The text a model is asked to go on from; it ends at `target:`, without a space.
  package var validationPrompt: String {
    "mnli hypothesis: \(hypothesis) premise: \(premise) target:"
  }

  /// The text a model is trained on: the prompt, the label, the end of the text.
  ///
  /// No space before `<|endoftext|>`: it would be a token of its own.
  package var trainingPrompt: String {
    "\(validationPrompt) \(label.rawValue)\(Tokenizer.endOfText)"
  }
}
