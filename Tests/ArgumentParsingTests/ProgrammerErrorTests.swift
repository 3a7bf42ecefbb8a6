import Testing

@testable import ArgumentParsing

private struct Twice: ParsableCommand {
  @Option(name: .customLong("name")) var first = "a"
  @Option(name: .customLong("name")) var second = "b"
}

private struct WithDefault: ParsableCommand {
  static let configuration = CommandConfiguration(
    subcommands: [Positional.self], defaultSubcommand: Positional.self)
}

private struct Positional: ParsableCommand {
  @Argument var path: String
}

@Suite("Mistakes in the declaration of commands")
struct ProgrammerErrorTests {
  @Test("One name for two options stops the program")
  func duplicateName() async {
    await #expect(processExitsWith: .failure) { _ = try? Twice.parseAsRoot([], columns: 80) }
  }

  @Test("A default subcommand with positional arguments stops the program")
  func defaultWithArguments() async {
    await #expect(processExitsWith: .failure) { _ = try? WithDefault.parseAsRoot([], columns: 80) }
  }

  @Test("Reading a required value of a command that was not parsed stops the program")
  func notParsed() async {
    await #expect(processExitsWith: .failure) { _ = Positional().path }
  }
}
