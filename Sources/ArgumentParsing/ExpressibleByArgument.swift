/// A type that one word of the command line can give.
package protocol ExpressibleByArgument {
  /// Fails on a word that is no such value.
  init?(argument: String)

  /// The value as the user would type it.
  var defaultValueDescription: String { get }

  /// All values, for types that have few; else empty.
  static var allValueStrings: [String] { get }

  /// What is expected, for messages: "an integer".
  static var expectation: String { get }
}

extension ExpressibleByArgument {
  package var defaultValueDescription: String { "\(self)" }
  package static var allValueStrings: [String] { [] }
  package static var expectation: String {
    allValueStrings.isEmpty ? "a value" : "one of \(allValueStrings.joined(separator: ", "))"
  }
}

/// An enumeration with raw strings needs only to declare its conformance.
extension ExpressibleByArgument where Self: RawRepresentable<String> {
  package init?(argument: String) { self.init(rawValue: argument) }
  package var defaultValueDescription: String { rawValue }
}

extension ExpressibleByArgument where Self: CaseIterable & RawRepresentable<String> {
  package static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

extension String: ExpressibleByArgument {
  package init?(argument: String) { self = argument }
  package static var expectation: String { "text" }
}

extension Int: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package static var expectation: String { "an integer of at most 64 bits" }
}

extension UInt64: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package static var expectation: String { "an integer from 0 to \(UInt64.max)" }
}

extension Double: ExpressibleByArgument {
  /// Infinities and `nan` are refused: no setting means anything with them.
  package init?(argument: String) {
    guard let value = Double(argument), value.isFinite else { return nil }
    self = value
  }
  package static var expectation: String { "a finite number" }
}

extension Bool: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package static var allValueStrings: [String] { ["true", "false"] }
}
