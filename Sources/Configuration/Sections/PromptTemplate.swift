/// A training text with `{placeholders}` for the columns of a data file; the last one is the answer.
///
/// `{{` and `}}` stand for the braces themselves. The answer is followed by `<|endoftext|>` and
/// nothing else, so that it has an end: a model that never saw one would not stop.
package struct PromptTemplate: Sendable, Hashable {
  /// The placeholders of the prompt, each once, in the order of their first occurrence.
  package let inputs: [String]
  /// The placeholder of the answer.
  package let target: String
  /// What stands before the answer: texts and indices into `inputs`.
  private let parts: [Part]
  /// A space or nothing, between question and answer.
  package let separator: String

  private enum Part: Sendable, Hashable {
    case text(String)
    case input(Int)
  }

  /// The marker that ends every training text, in GPT-J's vocabulary and the embedded one.
  package static let endOfText = "<|endoftext|>"

  /// The reference's task (Graphcore examples, nlp/gpt_j/popxl, MNLI notebook).
  package static let mnli: PromptTemplate = {
    do {
      return try PromptTemplate(
        "mnli hypothesis: {hypothesis} premise: {premise} target: {label}\(endOfText)")
    } catch {
      preconditionFailure("the built-in prompt: \(error)")
    }
  }()

  /// What is wrong with a template's text.
  package struct Problem: Error, Equatable {
    package let what: String
    package let expected: String
  }

  package init(_ text: String) throws(Problem) {
    var pieces = try Self.pieces(text)
    guard pieces.popLast() == .text(Self.endOfText), case .name(let target)? = pieces.popLast()
    else {
      throw Problem(
        what: "does not end with an answer",
        expected: "the answer's placeholder and then only \(Self.endOfText), "
          + "such as {label}\(Self.endOfText)")
    }
    var inputs: [String] = []
    var parts: [Part] = []
    for piece in pieces {
      switch piece {
      case .text(let text): parts.append(.text(text))
      case .name(target):
        throw Problem(
          what: "has the answer {\(target)} in its question too",
          expected: "the last placeholder only once")
      case .name(let name):
        if !inputs.contains(name) { inputs.append(name) }
        parts.append(.input(inputs.firstIndex(of: name) ?? 0))
      }
    }
    // One space is part of the answer's first token, as in " neutral": a question that ended in it
    // would be a token apart from what was trained.
    var separator = ""
    if case .text(let last)? = parts.last, last.utf8.last == UInt8(ascii: " ") {
      parts[parts.count - 1] = .text(String(last.unicodeScalars.dropLast()))
      separator = " "
    }
    (self.inputs, self.target, self.parts, self.separator) = (inputs, target, parts, separator)
  }

  /// The text that a model is asked to go on from; `values` are those of `inputs`.
  package func question(_ values: some Collection<String>) -> String {
    precondition(values.count == inputs.count, "\(values.count) values for \(inputs.count) inputs")
    return parts.reduce(into: "") { question, part in
      switch part {
      case .text(let text): question += text
      case .input(let index): question += values[values.index(values.startIndex, offsetBy: index)]
      }
    }
  }

  /// The template as it is written.
  package var text: String {
    let question = parts.map { part in
      switch part {
      case .text(let text): text.replacing("{", with: "{{").replacing("}", with: "}}")
      case .input(let index): "{\(inputs[index])}"
      }
    }.joined()
    return "\(question)\(separator){\(target)}\(Self.endOfText)"
  }
}

extension PromptTemplate {
  private enum Piece: Equatable {
    case text(String)
    case name(String)
  }

  /// The texts and the placeholders between them, in order.
  private static func pieces(_ text: String) throws(Problem) -> [Piece] {
    var pieces: [Piece] = []
    var plain = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "{" || scalar == "}" else {
        plain.append(scalar)
        continue
      }
      if rest.first == scalar {
        plain.append(scalar)
        rest = rest.dropFirst()
        continue
      }
      guard scalar == "{", let end = rest.firstIndex(of: "}") else {
        throw Problem(
          what: scalar == "{" ? "has a '{' that is never closed" : "has a '}' that closes nothing",
          expected: "{name} for a column, {{ and }} for the braces themselves")
      }
      let name = String(rest[..<end])
      guard isName(name) else {
        throw Problem(
          what: "has the placeholder \(shown("{\(name)}"))",
          expected: "letters of ASCII, digits, '_' and '-' between the braces; "
            + "task.columns gives a column of another name")
      }
      if !plain.isEmpty { pieces.append(.text(String(plain))) }
      plain.removeAll()
      pieces.append(.name(name))
      rest = rest[rest.index(after: end)...]
    }
    if !plain.isEmpty { pieces.append(.text(String(plain))) }
    return pieces
  }

  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
      }
  }
}
