internal import Reporting

/// A figure with its unit as people read it: `1.52 ms`, `4.19 MB`, `12,345`.
func text(_ value: Double?, unit: String) -> String {
  guard let value else { return "-" }
  switch unit {
  case "s": return Format.duration(seconds: value)
  case "B", "FLOP", "B/s", "FLOP/s": return Format.si(value, unit)
  default:
    // Whole numbers below 2^53 are counts, and each one matters.
    guard value.rounded() == value, value.magnitude < 9e15 else {
      return unit.isEmpty ? Format.fixed(value, 4) : Format.si(value, unit)
    }
    return Format.grouped(Int(value)) + (unit.isEmpty || unit == "1" ? "" : " \(unit)")
  }
}

/// A change with its sign: `+3.21 %`.
func changeText(_ change: Double?) -> String {
  guard let change else { return "-" }
  guard change.isFinite else { return change > 0 ? "+∞" : "-" }
  let text = Format.percent(change, decimals: 2)
  return change > 0 ? "+" + text : text
}

extension MetricComparison {
  /// `+2.1 .. +4.3 %`, empty where there is none.
  var intervalText: String {
    guard let (low, high) = changeInterval else { return "" }
    guard low.isFinite, high.isFinite else { return "too few samples" }
    func signed(_ value: Double) -> String {
      let text = Format.fixed(value * 100, 2)
      return value > 0 ? "+" + text : text
    }
    return "\(signed(low)) .. \(signed(high)) %"
  }

  var cells: [String] {
    [
      "\(name)", text(base, unit: unit), text(new, unit: unit), changeText(change), intervalText,
      verdict.rawValue,
    ]
  }
}
