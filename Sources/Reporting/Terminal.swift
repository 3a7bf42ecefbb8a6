internal import Glibc

/// What the far end of a stream can show.
///
/// Standard output and standard error are asked separately.
package struct Terminal: Sendable, Equatable {
  /// Whether a person is likely to look at it.
  package var isInteractive: Bool
  /// Whether lines may be rewritten and coloured at all: false for `TERM=dumb`.
  package var understandsEscapes: Bool
  package var usesColor: Bool
  /// Columns; nil when output should not be cut (a file or a pipe).
  package var width: Int?

  package init(
    isInteractive: Bool, understandsEscapes: Bool, usesColor: Bool, width: Int?
  ) {
    self.isInteractive = isInteractive
    self.understandsEscapes = understandsEscapes
    self.usesColor = usesColor
    self.width = width
  }

  /// A file or a pipe: no colour, no width, no rewriting.
  package static let none = Terminal(
    isInteractive: false, understandsEscapes: false, usesColor: false, width: nil)

  /// Asks the system and the environment about a stream.
  ///
  /// No colour if the stream is no terminal, `NO_COLOR` is non-empty, `TERM` is `dumb` or the user
  /// said `--no-color`. Width is `COLUMNS`, else the terminal's own, else (on a terminal) 80.
  package static func detect(
    _ stream: StandardStream, noColor: Bool = false,
    environment: (String) -> String? = Terminal.environmentVariable
  ) -> Terminal {
    detect(
      isTerminal: isatty(stream.descriptor) == 1, ownWidth: ownWidth(stream), noColor: noColor,
      environment: environment)
  }

  /// The rules of ``detect(_:noColor:environment:)`` apart from the system calls.
  static func detect(
    isTerminal: Bool, ownWidth: Int?, noColor: Bool, environment: (String) -> String?
  ) -> Terminal {
    let columns = environment("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    let escapes = isTerminal && environment("TERM") != "dumb"
    let isColorUnwanted = noColor || !(environment("NO_COLOR") ?? "").isEmpty
    return Terminal(
      isInteractive: isTerminal, understandsEscapes: escapes,
      usesColor: escapes && !isColorUnwanted,
      width: columns ?? (isTerminal ? ownWidth ?? 80 : nil))
  }

  /// Reads a variable of this process.
  package static func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  private static func ownWidth(_ stream: StandardStream) -> Int? {
    var size = winsize()
    guard ioctl(stream.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }
}

/// The few looks that text takes here, by their ANSI codes.
package enum TextStyle: String, Sendable {
  case bold = "1"
  case dim = "2"
  case red = "31"
  case green = "32"
  case yellow = "33"
}

extension Terminal {
  /// Returns the text with the style if this terminal uses colour, else the text.
  package func styled(_ text: String, _ style: TextStyle) -> String {
    usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
