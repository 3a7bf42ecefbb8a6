/// Values with units: SI and binary prefixes, durations.
extension Format {
  /// Returns the value with an SI prefix: `si(11.75e9, "B")` is `11.75 GB`.
  ///
  /// Keeps `digits` significant digits but no trailing zeros. From 1e-12 to 1e18; outside, scientific.
  package static func si(_ value: Double, _ unit: String, digits: Int = 4) -> String {
    let prefixes = ["p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"]
    return prefixed(value, unit, digits: digits, base: 1000, prefixes: prefixes, first: -4)
  }

  /// Returns the value with a binary prefix: `binary(8_388_608, "B")` is `8 MiB`.
  package static func binary(_ value: Double, _ unit: String = "B", digits: Int = 4) -> String {
    let prefixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    return prefixed(value, unit, digits: digits, base: 1024, prefixes: prefixes, first: 0)
  }

  /// Returns a time as two units at most: `1.5 ms`, `20.5 s`, `7 min 30 s`, `2 h 47 min`, `3 d 4 h`.
  ///
  /// Below a minute three digits are kept; above, the smaller unit is rounded, and left out if zero.
  package static func duration(seconds: Double) -> String {
    let size = seconds.magnitude
    // The bounds are where rounding reaches the next unit. The last keeps the counts below in Int.
    guard size >= 59.95, size < 1e15 else { return si(seconds, "s", digits: 3) }
    let sign = seconds < 0 ? "-" : ""
    if size < 3599.5 { return sign + twoUnits(size, 60, "min", 1, "s") }
    if size < 86_370 { return sign + twoUnits(size, 3600, "h", 60, "min") }
    return sign + twoUnits(size, 86_400, "d", 3600, "h")
  }

  private static func twoUnits(
    _ seconds: Double, _ large: Int, _ largeName: String, _ small: Int, _ smallName: String
  ) -> String {
    let smalls = Int((seconds / Double(small)).rounded())
    let (count, rest) = smalls.quotientAndRemainder(dividingBy: large / small)
    let head = "\(grouped(count)) \(largeName)"
    return rest == 0 ? head : "\(head) \(rest) \(smallName)"
  }

  /// Takes the first prefix whose rounded number is below the base: 999.96 mW reads as 1 W.
  private static func prefixed(
    _ value: Double, _ unit: String, digits: Int, base: Double, prefixes: [String], first: Int
  ) -> String {
    guard value.isFinite, value != 0 else { return "\(fixed(value, 0)) \(unit)" }
    var scaled = (first..<0).reduce(value) { scaled, _ in scaled * base }
    if first < 0, scaled.magnitude < 1 { return "\(scientific(value, digits: digits)) \(unit)" }
    for prefix in prefixes {
      let number = text(scaled, significantDigits: digits)
      if let shown = Double(number), shown.magnitude < base { return "\(number) \(prefix)\(unit)" }
      scaled /= base
    }
    return "\(scientific(value, digits: digits)) \(unit)"
  }

  private static func text(_ value: Double, significantDigits: Int) -> String {
    let integerDigits = fixed(value.magnitude.rounded(.down), 0).count
    var text = fixed(value, min(60, max(0, significantDigits - integerDigits)))
    guard text.contains(".") else { return text }
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}
