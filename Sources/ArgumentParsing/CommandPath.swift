/// The commands from the root down to the one that runs.
struct CommandPath {
  private(set) var commands: [any ParsableCommand.Type]

  init(root: any ParsableCommand.Type) { commands = [root] }

  var last: any ParsableCommand.Type { commands[commands.count - 1] }

  /// As typed: `gptj-bench topology list`.
  var name: String { commands.map { $0.name }.joined(separator: " ") }

  /// The version of the nearest command that has one.
  var version: String {
    commands.last { !$0.configuration.version.isEmpty }?.configuration.version ?? ""
  }

  /// The names of the subcommands that stand beside the last command.
  var siblingNames: [String] {
    commands.dropLast().last.map(Self.subcommandNames) ?? []
  }

  static func subcommandNames(of command: any ParsableCommand.Type) -> [String] {
    command.configuration.subcommands.map { $0.name }
  }

  static func isHelp(_ word: String) -> Bool { word == "-h" || word == "--help" }

  /// Follows the subcommands that the first words name; returns the words after them.
  mutating func descend(
    _ arguments: ArraySlice<String>, _ screen: HelpScreen
  ) throws -> ArraySlice<String> {
    var rest = arguments
    while !last.configuration.subcommands.isEmpty {
      guard let word = rest.first, !word.hasPrefix("-") else {
        try stop(at: rest.first, screen)
        return rest
      }
      rest = rest.dropFirst()
      if word == "help" {
        for word in rest where !Self.isHelp(word) { try enter(word) }
        throw CommandLineError(cause: .helpRequested, text: screen.text(self))
      }
      try enter(word)
    }
    return rest
  }

  private mutating func enter(_ word: String) throws {
    let subcommands = last.configuration.subcommands
    if let next = subcommands.first(where: { $0.name == word }) {
      commands.append(next)
      return
    }
    let names = subcommands.map { $0.name }
    let known = names.isEmpty ? "none" : names.joined(separator: ", ")
    throw UsageProblem(
      .unknownSubcommand,
      "Unknown subcommand '\(word)' of '\(name)' (known: \(known))."
        + suggestion(word, in: names + ["help"]))
  }

  /// Takes the default subcommand, or answers help and version for a command that has none.
  private mutating func stop(at word: String?, _ screen: HelpScreen) throws {
    if let word, Self.isHelp(word) {
      throw CommandLineError(cause: .helpRequested, text: screen.text(self))
    }
    if word == "--version", !version.isEmpty {
      throw CommandLineError(cause: .versionRequested, text: version + "\n")
    }
    if let fallback = last.configuration.defaultSubcommand {
      let takesWords = argumentDefinitions(of: fallback.init()).contains { $0.kind == .positional }
      precondition(!takesWords, "the default subcommand \(fallback.name) has positional arguments")
      commands.append(fallback)
      return
    }
    let names = Self.subcommandNames(of: last).joined(separator: ", ")
    if let word {
      throw UsageProblem(
        .unknownOption, "Unknown option '\(word)' of '\(name)'; its subcommands are \(names).")
    }
    throw UsageProblem(.missingSubcommand, "Missing subcommand, one of \(names).")
  }
}
