/// A type whose wrapped properties the command line sets.
package protocol ParsableArguments {
  init()

  /// Throws a ``ValidationError`` when values do not go together.
  func validate() throws
}

extension ParsableArguments {
  package func validate() throws {}
}

/// A command or subcommand.
package protocol ParsableCommand: ParsableArguments, SendableMetatype {
  static var configuration: CommandConfiguration { get }

  /// Does the command's work, after parsing and validation.
  mutating func run() throws
}

extension ParsableCommand {
  package static var configuration: CommandConfiguration { CommandConfiguration() }

  /// Only commands without subcommands are ever run.
  package mutating func run() throws {}

  static var name: String { configuration.commandName ?? kebabCase("\(Self.self)") }
}

/// What a command is called and what its help screen says.
package struct CommandConfiguration: Sendable {
  /// The type's name in kebab case when nil.
  package var commandName: String?
  /// One sentence.
  package var abstract: String
  /// Paragraphs after the abstract.
  package var discussion: String
  /// Whole command lines; ours.
  package var examples: [String]
  /// What `--version` prints; empty for none.
  package var version: String
  /// Commands with subcommands have no options of their own.
  package var subcommands: [any ParsableCommand.Type]
  /// Runs when no subcommand is named; takes no positional arguments, so that a bare first word is
  /// always a subcommand.
  package var defaultSubcommand: (any ParsableCommand.Type)?

  package init(
    commandName: String? = nil, abstract: String = "", discussion: String = "",
    examples: [String] = [], version: String = "", subcommands: [any ParsableCommand.Type] = [],
    defaultSubcommand: (any ParsableCommand.Type)? = nil
  ) {
    self.commandName = commandName
    self.abstract = abstract
    self.discussion = discussion
    self.examples = examples
    self.version = version
    self.subcommands = subcommands
    self.defaultSubcommand = defaultSubcommand
  }
}
