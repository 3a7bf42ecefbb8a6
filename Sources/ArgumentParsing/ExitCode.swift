/// How the process ends; throw one from `run()` to end without a message.
package struct ExitCode: Error, Hashable, Sendable, RawRepresentable {
  package var rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package init(_ code: Int32) { self.rawValue = code }

  package static let success = ExitCode(0)
  package static let failure = ExitCode(1)
  /// A regression, or a validation outside its tolerance.
  package static let regression = ExitCode(2)
  package static let inconclusive = ExitCode(3)
  /// Wrong use of the command line (EX_USAGE of sysexits.h).
  package static let validationFailure = ExitCode(64)
  /// Wrong data in a file (EX_DATAERR).
  package static let dataError = ExitCode(65)
  /// A file that cannot be read (EX_NOINPUT).
  package static let noInput = ExitCode(66)
  /// This machine cannot do it (EX_UNAVAILABLE).
  package static let unavailable = ExitCode(69)
  /// An output file that cannot be made (EX_CANTCREAT).
  package static let cannotCreate = ExitCode(73)
  /// Interrupted from the keyboard (128 + SIGINT).
  package static let interrupted = ExitCode(130)
}
