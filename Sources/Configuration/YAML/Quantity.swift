/// A figure with its unit and where it comes from.
package struct Quantity: Sendable, Equatable {
  package var value: Double
  package var unit: String
  /// The datasheet, paper or measurement.
  package var source: String
  /// The line of the file where the figure stands.
  package var line: Int

  package init(value: Double, unit: String, source: String, line: Int) {
    self.value = value
    self.unit = unit
    self.source = source
    self.line = line
  }
}

extension MappingReader {
  /// A figure written as `{ value: 1.85, unit: GHz, source: "Bow-2000 datasheet" }`.
  ///
  /// The unit must be exactly `unit`: nothing is converted, so that a figure reads the same in every
  /// file. The value must be finite and in the range, the source must not be empty.
  package mutating func quantity(
    _ key: String, unit: String, in range: ClosedRange<Double>
  ) throws(ConfigurationError) -> Quantity {
    var figure = try mapping(key)
    let value = try figure.double("value", in: range)
    let written = try figure.string("unit")
    guard written == unit else {
      throw ConfigurationError(
        .wrongType, at: figure.place(of: "unit"),
        "the unit of \(figure.path) is \(shown(written))", expected: "'\(unit)'")
    }
    let source = try figure.string("source")
    try figure.finish()
    return Quantity(value: value, unit: unit, source: source, line: figure.place(of: "value").line)
  }

  /// A figure that may be missing.
  package mutating func optionalQuantity(
    _ key: String, unit: String, in range: ClosedRange<Double>
  ) throws(ConfigurationError) -> Quantity? {
    guard has(key) else { return nil }
    return try quantity(key, unit: unit, in: range)
  }
}
