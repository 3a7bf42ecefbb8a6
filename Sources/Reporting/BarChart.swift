/// Shares of a whole as bars in text, one line per part: the breakdown of a step.
package struct BarChart: Sendable {
  package struct Part: Sendable {
    package var name: String
    /// Any unit, the same for all parts.
    ///
    /// Negative and non-finite parts have no bar.
    package var value: Double
    /// The value as it is shown, such as `8.45 s`.
    package var label: String

    package init(_ name: String, _ value: Double, label: String) {
      self.name = name
      self.value = value
      self.label = label
    }
  }

  package var parts: [Part]

  package init(_ parts: [Part]) {
    self.parts = parts
  }

  /// Returns name, bar, share of the sum and label of every part, aligned; a full bar is the sum.
  package func text(barWidth: Int = 24) -> String {
    precondition(barWidth > 0, "a bar needs a width")
    let total = parts.reduce(0) { $0 + size($1) }
    let names = parts.map { singleLine($0.name) }
    let nameWidth = names.map(\.count).max() ?? 0
    let labelWidth = parts.map(\.label.count).max() ?? 0
    return zip(parts, names).map { part, name in
      let share = total > 0 ? size(part) / total : 0
      let columns = [
        padded(name, nameWidth), padded(bar(share, width: barWidth), barWidth),
        padded(Format.percent(share), 7, atStart: true),
        padded(part.label, labelWidth, atStart: true),
      ]
      return columns.joined(separator: "  ") + "\n"
    }.joined()
  }

  private func size(_ part: Part) -> Double {
    part.value.isFinite ? max(0, part.value) : 0
  }
}

/// Returns a bar of a share between 0 and 1, to an eighth of a character.
func bar(_ share: Double, width: Int) -> String {
  let eighths = Int((min(1, max(0, share)) * Double(width) * 8).rounded())
  let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
  return String(repeating: "█", count: eighths / 8) + partial
}

/// Returns the text with spaces after it, or before it, up to a width.
func padded(_ text: String, _ width: Int, atStart: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return atStart ? space + text : text + space
}
