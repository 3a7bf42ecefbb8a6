import CostModel
import PublishedFigures

/// The answer of `validate --json`.
struct ValidationDocument: Encodable {
  let rows: [Row]
  let isWithinTolerance: Bool
  var constants: [Constant]?
  var ablation: [Part]?

  struct Row: Encodable {
    let name, source, role, unit: String
    let published, modelled, modelledLow, modelledHigh, error, tolerance: Double
    let isWithinTolerance: Bool
  }

  struct Constant: Encodable {
    let name, unit: String
    let value, low, high: Double
  }

  /// One step with a part of the model and all parts before it.
  struct Part: Encodable {
    let step, part: String
    let seconds, publishedSeconds: Double
  }

  init(_ validation: Validation, showsConstants: Bool, _ ablation: Ablation?) {
    rows = validation.rows.map {
      Row(
        name: $0.name, source: $0.source, role: $0.role.rawValue, unit: $0.unit,
        published: $0.published, modelled: $0.modelled, modelledLow: $0.low, modelledHigh: $0.high,
        error: $0.error, tolerance: $0.tolerance, isWithinTolerance: $0.isWithinTolerance)
    }
    isWithinTolerance = validation.isWithinTolerance
    if showsConstants {
      constants = (validation.calibration.constants + validation.host.constants).map {
        Constant(name: $0.name, unit: $0.unit, value: $0.value, low: $0.low, high: $0.high)
      }
    }
    self.ablation = ablation?.rows.flatMap { row in
      row.stages.map {
        Part(
          step: row.name, part: $0.name, seconds: $0.seconds, publishedSeconds: row.published)
      }
    }
  }
}
