extension ParsableCommand {
  /// The command that the arguments name, parsed and validated.
  ///
  /// Never exits and writes nothing: help, version and errors are thrown, with the text to write.
  /// `arguments` are without the program's name; `columns` is the width of help screens.
  package static func parseAsRoot(
    _ arguments: [String], columns: Int = HelpScreen.columnsFromEnvironment()
  ) throws(CommandLineError) -> any ParsableCommand {
    var path = CommandPath(root: Self.self)
    let screen = HelpScreen(columns: columns)
    do {
      let rest = try path.descend(arguments[...], screen)
      return try parse(path.last, rest, path, screen)
    } catch let error as CommandLineError {
      throw error
    } catch let problem as UsageProblem {
      throw screen.error(problem, path)
    } catch {
      throw screen.error(UsageProblem(.validation, "\(error)"), path)
    }
  }

  private static func parse<Command: ParsableCommand>(
    _: Command.Type, _ arguments: ArraySlice<String>, _ path: CommandPath, _ screen: HelpScreen
  ) throws -> any ParsableCommand {
    let command = Command()
    let definitions = argumentDefinitions(of: command)
    let options = arguments.prefix { $0 != "--" }
    if options.contains(where: CommandPath.isHelp) {
      throw CommandLineError(cause: .helpRequested, text: screen.text(path))
    }
    let names = definitions.flatMap { $0.names + $0.offNames }
    if options.contains("--version"), !names.contains("--version"), !path.version.isEmpty {
      throw CommandLineError(cause: .versionRequested, text: path.version + "\n")
    }
    var parser = ArgumentParser(definitions, siblings: path.siblingNames)
    try parser.parse(arguments)
    try validateAll(command)
    return command
  }
}
