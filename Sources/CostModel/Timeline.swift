/// A job's parts in order, rounded so that what is printed adds up.
///
/// The total is rounded first; each part is rounded down, and the parts that lost most get what is
/// missing, a unit each. Seconds and cents are rounded apart.
package struct Timeline: Sendable, Equatable {
  package let parts: [Part]
  package let seconds: Int
  package let cents: Int

  package struct Part: Sendable, Equatable {
    package let name: String
    package let seconds: Int
    package let cents: Int
  }

  package init(_ parts: [(name: String, seconds: Double)], usdPerHour: Double) {
    let seconds = Self.apportion(parts.map(\.seconds))
    let cents = Self.apportion(parts.map { $0.seconds * usdPerHour / 36 })
    self.parts = parts.indices.map {
      Part(name: parts[$0].name, seconds: seconds.parts[$0], cents: cents.parts[$0])
    }
    (self.seconds, self.cents) = (seconds.total, cents.total)
  }

  private static func apportion(_ values: [Double]) -> (parts: [Int], total: Int) {
    // Beyond what doubles count exactly, parts are what they are and so is their sum.
    let limit = 9e15
    let bounded = values.map { min(max(0, $0), limit / Double(max(1, values.count))) }
    var parts = bounded.map { Int($0) }
    let total = Int(bounded.reduce(0, +).rounded())
    let byLoss = parts.indices.sorted {
      bounded[$0] - Double(parts[$0]) > bounded[$1] - Double(parts[$1])
    }
    for index in byLoss.prefix(max(0, total - parts.reduce(0, +))) { parts[index] += 1 }
    return (parts, parts.reduce(0, +))
  }
}

extension JobEstimate {
  /// From compilation to the last answer.
  package var timeline: Timeline {
    var parts = [
      ("compile", compileSeconds), ("load", loadSeconds), ("steps", stepsSeconds),
      ("checkpoints", checkpoints.seconds),
    ]
    if let evaluation {
      parts += [
        ("evaluation compile", evaluation.compileSeconds), ("evaluation", evaluation.passesSeconds),
      ]
    }
    return Timeline(parts, usdPerHour: usdPerHour)
  }
}
