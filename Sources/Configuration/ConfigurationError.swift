/// Where a value was written: a position in a file, or the flag or variable that set it.
package struct Place: Sendable, Equatable {
  /// The file, or for overrides the flag or variable as the user wrote it.
  package var file: String
  /// Counted from 1; 0 when the place is not in a file.
  package var line: Int
  /// Counted from 1 in characters; 0 when the place is not in a file.
  package var column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// A flag, a variable or a file as a whole.
  package init(_ origin: String) {
    self.init(file: origin, line: 0, column: 0)
  }
}

extension Place: CustomStringConvertible {
  package var description: String {
    line > 0 ? "\(file):\(line):\(column)" : file
  }
}

/// What is wrong in a configuration or topology file, an override or a preset name, and where.
package struct ConfigurationError: Error, Sendable, Equatable {
  /// What kind of mistake it is; decides the exit status.
  package enum Cause: Sendable, Equatable {
    /// Not YAML, or YAML that this tool refuses (several documents, tags, bombs).
    case syntax
    case duplicateKey
    case unknownKey
    /// The key exists, in another section.
    case misplacedKey
    case missingKey
    /// A string where a number belongs, a list where a mapping belongs, a wrong unit.
    case wrongType
    /// Outside the allowed range or choices.
    case badValue
    /// Each value is legal, together they are not.
    case inconsistent
    /// A preset or built-in file that does not exist.
    case unknownName
    case unreadableFile
  }

  package var cause: Cause
  package var place: Place
  package var what: String
  package var expected: String?
  package var suggestion: String?

  package init(
    _ cause: Cause, at place: Place, _ what: String, expected: String? = nil,
    didYouMean suggestion: String? = nil
  ) {
    self.cause = cause
    self.place = place
    self.what = what
    self.expected = expected
    self.suggestion = suggestion
  }

  /// The exit status (sysexits.h): 66 missing input, 64 a wrong flag or name, 65 bad data in a file.
  package var exitStatus: Int32 {
    switch cause {
    case .unreadableFile: 66
    case .unknownName: 64
    default: place.line > 0 ? 65 : 64
    }
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// One line: `file:line:column: what, expected ..., did you mean ...?`.
  package var description: String {
    var text = "\(place): \(what)"
    if let expected { text += ", expected \(expected)" }
    if let suggestion { text += ", did you mean '\(suggestion)'?" }
    return text
  }
}

/// A text from a file as a message may show it: short, on one line, without control characters.
func shown(_ text: String) -> String {
  let limit = 60
  let safe = String(
    String.UnicodeScalarView(
      text.unicodeScalars.prefix(limit).map { scalar in
        scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
      }))
  return text.unicodeScalars.count > limit ? "'\(safe)...'" : "'\(safe)'"
}
