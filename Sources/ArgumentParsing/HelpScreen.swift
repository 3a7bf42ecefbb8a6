import Glibc

/// The text of help screens and usage errors.
package struct HelpScreen {
  /// Where the descriptions begin, as in swift-argument-parser.
  private static let descriptionColumn = 26

  private let columns: Int

  init(columns: Int) {
    // Below this, descriptions would have no room.
    self.columns = max(columns, 48)
  }

  /// The variable COLUMNS, else 80: the text never depends on what it is written to.
  package static func columnsFromEnvironment() -> Int {
    getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 80
  }

  /// The whole help screen of a command.
  func text(_ path: CommandPath) -> String {
    let configuration = path.last.configuration
    var sections: [String] = []
    if !configuration.abstract.isEmpty {
      sections.append(wrap("OVERVIEW: \(configuration.abstract)", indentation: 0))
    }
    if !configuration.discussion.isEmpty {
      sections.append(wrap(configuration.discussion, indentation: 0))
    }
    if !configuration.examples.isEmpty {
      let lines = configuration.examples.map { "  \($0)" }
      sections.append("EXAMPLES:\n" + lines.joined(separator: "\n"))
    }
    sections.append("USAGE: " + usage(path))
    // A command with a default subcommand takes that one's options.
    let isDefault = configuration.defaultSubcommand != nil
    let shown = configuration.defaultSubcommand ?? path.last
    sections += arguments(of: shown, hasVersion: isDefault && !path.version.isEmpty)
    if let subcommands = subcommands(of: configuration) { sections.append(subcommands) }
    var text = sections.joined(separator: "\n\n") + "\n"
    if !configuration.subcommands.isEmpty {
      text += "\n  See '\(helpCommand(path)) <subcommand>' for detailed help.\n"
    }
    return text
  }

  /// A usage error with its message, the usage line and where to read more.
  func error(_ problem: UsageProblem, _ path: CommandPath) -> CommandLineError {
    let text = """
      Error: \(problem.message)
      Usage: \(usage(path))
        See '\(path.name) --help' for more information.

      """
    return CommandLineError(cause: problem.cause, text: text)
  }

  /// `gptj-bench help topology`, the command that has help for the last one's subcommands.
  private func helpCommand(_ path: CommandPath) -> String {
    let names = path.commands.map { $0.name }
    return ([names[0], "help"] + names.dropFirst()).joined(separator: " ")
  }

  private func usage(_ path: CommandPath) -> String {
    let configuration = path.last.configuration
    guard configuration.subcommands.isEmpty else {
      return configuration.defaultSubcommand == nil
        ? "\(path.name) <subcommand>" : "\(path.name) [<subcommand>] [options]"
    }
    let definitions = argumentDefinitions(of: path.last.init())
    let required = definitions.filter { $0.kind == .option && $0.isRequired }
    let hasOptions = definitions.contains { $0.kind != .positional && !$0.isRequired }
    let positionals = definitions.filter { $0.kind == .positional }.map { argument in
      let label = argument.label + (argument.isRepeating ? "..." : "")
      return argument.isRequired ? label : "[\(label)]"
    }
    let parts =
      [path.name] + required.map(\.label) + (hasOptions ? ["[options]"] : []) + positionals
    return parts.joined(separator: " ")
  }

  /// The sections ARGUMENTS, OPTIONS, and one for each titled group.
  private func arguments(of command: any ParsableCommand.Type, hasVersion: Bool) -> [String] {
    let definitions = argumentDefinitions(of: command.init())
    let positionals = definitions.filter { $0.kind == .positional }
    let options = definitions.filter { $0.kind != .positional }
    var rows = options.filter { $0.group == nil }.map(row)
    if hasVersion { rows.append(("--version", "Show the version.")) }
    rows.append(("-h, --help", "Show help information."))
    var sections = positionals.isEmpty ? [] : [section("ARGUMENTS", positionals.map(row))]
    sections.append(section("OPTIONS", rows))
    var titles: [String] = []
    for title in options.compactMap(\.group) where !titles.contains(title) { titles.append(title) }
    return sections
      + titles.map { title in
        section(title.uppercased(), options.filter { $0.group == title }.map(row))
      }
  }

  private func subcommands(of configuration: CommandConfiguration) -> String? {
    guard !configuration.subcommands.isEmpty else { return nil }
    let fallback = configuration.defaultSubcommand?.name
    return section(
      "SUBCOMMANDS",
      configuration.subcommands.map { command in
        let name = command.name
        return (name == fallback ? "\(name) (default)" : name, command.configuration.abstract)
      })
  }

  private func row(_ definition: ArgumentDefinition) -> (String, String) {
    var label = definition.label
    if definition.kind != .positional {
      let names = (definition.names + definition.offNames).joined(separator: ", ")
      label = definition.kind == .option ? "\(names) <\(definition.valueName)>" : names
    }
    let values = definition.allValues.joined(separator: ", ")
    let isRepeatable = definition.kind == .option && definition.isRepeating
    let notes = [
      isRepeatable ? "repeatable" : nil,
      values.isEmpty ? nil : "values: \(values)",
      definition.defaultValue.flatMap { $0.isEmpty ? nil : "default: \($0)" },
    ].compactMap(\.self).joined(separator: "; ")
    let parts = [definition.abstract, notes.isEmpty ? "" : "(\(notes))"]
    return (label, parts.filter { !$0.isEmpty }.joined(separator: " "))
  }

  private func section(_ title: String, _ rows: [(label: String, text: String)]) -> String {
    let lines = rows.map { row in
      let label = "  \(row.label)"
      let text = wrap(row.text, indentation: Self.descriptionColumn)
      if text.isEmpty { return label }
      // A label that reaches into the descriptions gets a line of its own.
      guard label.count < Self.descriptionColumn else { return label + "\n" + text }
      return label + text.dropFirst(label.count)
    }
    return "\(title):\n" + lines.joined(separator: "\n")
  }

  /// Breaks text at spaces; its own line breaks stay.
  private func wrap(_ text: String, indentation: Int) -> String {
    let margin = String(repeating: " ", count: indentation)
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        if !line.isEmpty, indentation + line.count + 1 + word.count > columns {
          lines.append(margin + line)
          line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
      }
      lines.append(line.isEmpty ? "" : margin + line)
    }
    return lines.joined(separator: "\n")
  }
}
