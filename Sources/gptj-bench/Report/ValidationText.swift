import CostModel
import PublishedFigures
import Reporting

/// The tables of `validate`, for people.
struct ValidationText {
  let validation: Validation
  let showsConstants: Bool
  let ablation: Ablation?
  let terminal: Terminal

  func text() -> String {
    var text = table().text(width: terminal.width) + verdict()
    if showsConstants { text += "\n" + heading("Fitted constants") + constants().text() }
    if let ablation {
      text += "\n" + heading("What each part explains, in seconds") + table(ablation).text()
    }
    return text
  }

  private func heading(_ title: String) -> String { terminal.styled(title, .bold) + "\n" }

  private func table() -> Table {
    var table = Table([
      .init("figure"), .init("use"), .init("published", .right), .init("modelled", .right),
      .init("low", .right), .init("high", .right), .init("error", .right), .init("within"),
      .init("source"),
    ])
    for row in validation.rows {
      func value(_ number: Double) -> String { Self.quantity(number, row.unit) }
      table.add([
        row.name, row.role.rawValue, value(row.published), value(row.modelled),
        row.role == .count ? "" : value(row.low), row.role == .count ? "" : value(row.high),
        (row.error < 0 ? "" : "+") + Format.percent(row.error),
        (row.isWithinTolerance ? "" : "NOT ") + Format.percent(row.tolerance, decimals: 0),
        row.source,
      ])
    }
    return table
  }

  private func verdict() -> String {
    let outside = validation.rows.count { !$0.isWithinTolerance }
    return outside == 0
      ? "all \(validation.rows.count) figures are within their tolerance\n"
      : "\(outside) of \(validation.rows.count) figures are outside their tolerance\n"
  }

  private func constants() -> Table {
    var table = Table([
      .init("constant"), .init("value", .right), .init("low", .right), .init("high", .right),
    ])
    for constant in validation.calibration.constants + validation.host.constants {
      func value(_ number: Double) -> String {
        constant.unit.isEmpty
          ? Format.fixed(number, 3) : Format.si(number, constant.unit, digits: 3)
      }
      table.add([constant.name, value(constant.value), value(constant.low), value(constant.high)])
    }
    return table
  }

  private func table(_ ablation: Ablation) -> Table {
    let stages = ablation.rows.first?.stages.map(\.name) ?? []
    var table = Table(
      [.init("step")] + (stages + ["published"]).map { .init($0, .right) })
    for row in ablation.rows {
      table.add(
        [row.name]
          + row.stages.map {
            "\(Format.fixed($0.seconds, 3)) (\(Format.percent($0.seconds / row.published, decimals: 0)))"
          } + [Format.fixed(row.published, 3)])
    }
    return table
  }

  private static func quantity(_ value: Double, _ unit: String) -> String {
    switch unit {
    case "$": Format.dollars(value)
    case "s": Format.fixed(value, value < 10 ? 4 : value < 100 ? 2 : 0)
    default: Format.si(value, unit)
    }
  }
}
