import Configuration

/// Reads the figures of a topology file into base units and keeps each with its source.
///
/// Every unit is fixed by its key: a file says GHz or is refused.
struct TopologyReader {
  private(set) var figures: [PodTopology.Figure] = []
  private var places: [String: Place] = [:]

  /// Units and what one of them is in base units.
  enum Unit: String {
    case count
    case gigahertz = "GHz"
    case kibibyte = "KiB"
    case gigabyte = "GB"
    case gigabytesPerSecond = "GB/s"
    case bytesPerCycle = "B/cycle"
    case flopsPerCycle = "flop/cycle"
    case dollarsPerHour = "USD/h"

    var factor: Double {
      switch self {
      case .gigahertz, .gigabyte, .gigabytesPerSecond: 1e9
      case .kibibyte: 1024
      case .count, .bytesPerCycle, .flopsPerCycle, .dollarsPerHour: 1
      }
    }
  }

  /// A figure in base units.
  mutating func number(
    _ mapping: inout MappingReader, _ key: String, _ unit: Unit, in range: ClosedRange<Double>
  ) throws(ConfigurationError) -> Double {
    let quantity = try mapping.quantity(key, unit: unit.rawValue, in: range)
    let path = mapping.name(key)
    places[path] = try mapping.node(key)["value"]?.place
    figures.append(
      PodTopology.Figure(
        path: path, value: .number(quantity.value), unit: quantity.unit, source: quantity.source,
        line: quantity.line))
    return quantity.value * unit.factor
  }

  /// A figure that counts things or bytes: whole in base units.
  mutating func whole(
    _ mapping: inout MappingReader, _ key: String, _ unit: Unit, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int {
    let limits = Double(range.lowerBound)...Double(range.upperBound)
    let value = try number(&mapping, key, unit, in: limits)
    // 33.3 GB are not exactly whole in floating point; the limits keep the value far below 2^63.
    let rounded = value.rounded()
    guard abs(value - rounded) <= 1e-9 * value, let whole = Int(exactly: rounded) else {
      throw ConfigurationError(
        .badValue, at: mapping.place(of: key), "\(mapping.name(key)) is no whole number",
        expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return whole
  }

  /// A word out of a few, with its source: `{ value: torus, source: "..." }`.
  mutating func word<Choice: CaseIterable & RawRepresentable<String>>(
    _ mapping: inout MappingReader, _ key: String
  ) throws(ConfigurationError) -> Choice {
    var figure = try mapping.mapping(key)
    let value: Choice = try figure.choice("value")
    let source = try figure.string("source")
    try figure.finish()
    places[mapping.name(key)] = figure.place(of: "value")
    figures.append(
      PodTopology.Figure(
        path: mapping.name(key), value: .word(value.rawValue), unit: "", source: source,
        line: figure.place(of: "value").line))
    return value
  }

  /// Throws with the place of a figure when it does not agree with others.
  func require(
    _ condition: Bool, _ path: String, _ what: @autoclosure () -> String,
    expected: @autoclosure () -> String
  ) throws(ConfigurationError) {
    guard !condition else { return }
    guard let place = places[path] else { preconditionFailure("'\(path)' was not read") }
    throw ConfigurationError(
      .inconsistent, at: place, "\(path) is \(what())", expected: expected())
  }
}
