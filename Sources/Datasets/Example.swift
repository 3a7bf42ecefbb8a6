package import Configuration

/// One row of a task as a model meets it: a question and its answer.
package struct Example: Hashable, Sendable {
  /// The text a model is asked to go on from; for MNLI it ends at `target:`, without a space.
  package let validationPrompt: String
  /// What a right answer is, without space around it or the end of the text.
  package let answer: String
  /// What stands between question and answer: a space or nothing.
  package let separator: String

  /// `inputs` are the values of the prompt's placeholders but the last, whose value is the answer.
  package init(_ prompt: PromptTemplate, _ inputs: some Collection<String>, answer: String) {
    validationPrompt = prompt.question(inputs)
    self.answer = answer
    separator = prompt.separator
  }

  /// Whether this is the answer, byte for byte but for space and ends of text around it.
  package func isAnswered(by generated: String) -> Bool {
    strippedAnswer(generated).utf8.elementsEqual(strippedAnswer(answer).utf8)
  }

  /// The text a model is trained on: the question, the answer, the end of the text.
  ///
  /// No space before `<|endoftext|>`: it would be a token of its own.
  package var trainingPrompt: String {
    "\(validationPrompt)\(separator)\(answer)\(Tokenizer.endOfText)"
  }
}

/// A generated answer without the white space and the `<|endoftext|>` at its ends.
///
/// In any order and number: the reference (Graphcore examples, nlp/gpt_j/popxl) missed
/// "neutral <|endoftext|>".
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
