/// Gives the words of a command line to the definitions of one command.
struct ArgumentParser {
  private let definitions: [ArgumentDefinition]
  private let positionals: [ArgumentDefinition]
  /// Subcommands that the user may have meant with a stray word.
  private let siblings: [String]
  private var given: Set<String> = []
  private var positionalCount = 0

  init(_ definitions: [ArgumentDefinition], siblings: [String]) {
    self.definitions = definitions
    self.positionals = definitions.filter { $0.kind == .positional }
    self.siblings = siblings
  }

  mutating func parse(_ arguments: ArraySlice<String>) throws(UsageProblem) {
    var rest = arguments
    while let word = rest.popFirst() {
      if word == "--" {
        for word in rest { try takePositional(word) }
        break
      } else if word.hasPrefix("--") {
        try takeLong(word, &rest)
      } else if word.hasPrefix("-"), word != "-", !isNumber(word) {
        try takeShort(word, &rest)
      } else {
        try takePositional(word)
      }
    }
    try checkRequired()
  }

  /// Takes `--name value`, `--name=value` or a flag.
  private mutating func takeLong(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageProblem) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    try take(String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil, &rest)
  }

  /// Takes `-o value`, `-o=value`, a flag, or several flags as in `-vq`.
  private mutating func takeShort(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageProblem) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let letters = parts[0].dropFirst()
    let flags = letters.map { "-\($0)" }
    if letters.count > 1, flags.allSatisfy({ isFlag($0) }), parts.count == 1 {
      for flag in flags { try take(flag, value: nil, &rest) }
    } else {
      try take(String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil, &rest)
    }
  }

  private func isFlag(_ name: String) -> Bool {
    definitions.contains { $0.kind == .flag && $0.names.contains(name) }
  }

  private mutating func take(
    _ name: String, value: String?, _ rest: inout ArraySlice<String>
  ) throws(UsageProblem) {
    if let flag = definitions.first(where: { $0.offNames.contains(name) }) {
      return try setFlag(flag, name, false, value)
    }
    guard let definition = definitions.first(where: { $0.names.contains(name) }) else {
      throw unknownOption(name)
    }
    if definition.kind == .flag { return try setFlag(definition, name, true, value) }
    guard let value = value ?? nextValue(&rest) else {
      throw UsageProblem(
        .missingValue, "Missing value for '\(definition.label)': \(definition.expectation).")
    }
    try store(value, in: definition)
  }

  private func setFlag(
    _ flag: ArgumentDefinition, _ name: String, _ isOn: Bool, _ value: String?
  ) throws(UsageProblem) {
    if let value {
      throw UsageProblem(
        .unexpectedValue, "The flag '\(name)' takes no value, it was given '\(value)'.")
    }
    flag.storeFlag(isOn)
  }

  /// The next word, unless it is an option; negative numbers are values.
  private func nextValue(_ rest: inout ArraySlice<String>) -> String? {
    guard let word = rest.first, !word.hasPrefix("-") || word == "-" || isNumber(word) else {
      return nil
    }
    return rest.popFirst()
  }

  /// Whether a word with a dash is a negative number, or a list that begins with one.
  private func isNumber(_ word: String) -> Bool {
    let first = word.dropFirst().prefix { $0 != "," }
    guard let character = first.first, "0"..."9" ~= character || character == "." else {
      return false
    }
    return Double(first) != nil
  }

  private mutating func takePositional(_ word: String) throws(UsageProblem) {
    guard let last = positionals.last,
      positionalCount < positionals.count || last.isRepeating
    else {
      let hint =
        siblings.contains(word)
        ? " It is a subcommand: name it first, before all options."
        : suggestion(word, in: siblings)
      throw UsageProblem(.unexpectedArgument, "Unexpected argument '\(word)'." + hint)
    }
    let definition = positionals[min(positionalCount, positionals.count - 1)]
    positionalCount += 1
    try store(word, in: definition)
  }

  private mutating func store(
    _ word: String, in definition: ArgumentDefinition
  ) throws(UsageProblem) {
    given.insert(definition.label)
    guard !definition.store(word) else { return }
    // In a list, only one value may be wrong; the nearest name is that of the wrong one.
    let wrong =
      word.split(separator: ",").map(String.init).first { !definition.allValues.contains($0) }
      ?? word
    throw UsageProblem(
      .invalidValue,
      "The value '\(word)' is invalid for '\(definition.label)', expected "
        + "\(definition.expectation)." + suggestion(wrong, in: definition.allValues))
  }

  private func checkRequired() throws(UsageProblem) {
    let missing = definitions.first { $0.isRequired && !given.contains($0.label) }
    guard let missing else { return }
    let isPositional = missing.kind == .positional
    throw UsageProblem(
      isPositional ? .missingArgument : .missingOption,
      "Missing \(isPositional ? "argument" : "option") '\(missing.label)'.")
  }

  private func unknownOption(_ name: String) -> UsageProblem {
    let names = definitions.flatMap { $0.names + $0.offNames } + ["--help"]
    let long = names.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    let word = String(name.drop { $0 == "-" })
    // One letter is near to everything; a long name with one dash is worth an answer.
    let hint = word.count > 1 ? suggestion(word, in: long, prefix: "--") : ""
    return UsageProblem(.unknownOption, "Unknown option '\(name)'." + hint)
  }
}
