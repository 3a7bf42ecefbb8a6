/// Why parsing gave no command to run: help or version was asked for, or the usage is wrong.
package struct CommandLineError: Error, Sendable, Equatable {
  package enum Cause: Sendable, Equatable {
    case helpRequested
    case versionRequested
    case unknownOption
    case unknownSubcommand
    case missingSubcommand
    case unexpectedArgument
    /// A flag was given a value.
    case unexpectedValue
    case missingValue
    case missingOption
    case missingArgument
    case invalidValue
    /// `validate()` refused the values together.
    case validation
  }

  package var cause: Cause
  /// The whole text to write, with its last newline.
  package var text: String

  /// 0 for help and version, 64 for wrong usage.
  package var exitCode: ExitCode { isForStandardOutput ? .success : .validationFailure }

  /// Help and version are results and go to standard output; the rest goes to standard error.
  package var isForStandardOutput: Bool { cause == .helpRequested || cause == .versionRequested }
}

extension CommandLineError: CustomStringConvertible {
  package var description: String { text }
}

/// What `validate()` throws: a sentence about values that do not go together.
package struct ValidationError: Error, CustomStringConvertible {
  package var description: String

  package init(_ message: String) { description = message }
}

/// A usage error before the command's usage line is known.
struct UsageProblem: Error {
  var cause: CommandLineError.Cause
  var message: String

  init(_ cause: CommandLineError.Cause, _ message: String) {
    self.cause = cause
    self.message = message
  }
}
