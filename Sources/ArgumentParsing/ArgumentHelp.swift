/// What a help screen says about an option, flag or argument.
package struct ArgumentHelp: ExpressibleByStringInterpolation {
  /// One or two sentences.
  package var abstract: String
  /// The word in angle brackets; the property's name when nil.
  package var valueName: String?

  package init(_ abstract: String = "", valueName: String? = nil) {
    self.abstract = abstract
    self.valueName = valueName
  }

  package init(stringLiteral value: String) { self.init(value) }
}
