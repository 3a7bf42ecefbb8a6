import CostModel
import Program
import Testing

@testable import PublishedFigures

@Suite struct ValidationTests {
  @Test func `Every published figure is within its tolerance`() throws {
    let validation = try Validation()
    #expect(validation.isWithinTolerance)
    for row in validation.rows {
      #expect(row.isWithinTolerance, "\(row.name): \(row.error)")
      #expect(row.low <= row.modelled && row.modelled <= row.high, "\(row.name)")
      #expect(!row.source.isEmpty)
    }
    #expect(Set(validation.rows.map(\.name)).count == validation.rows.count)
    #expect(validation.rows.count { $0.role == .calibration } == 9)
  }

  @Test func `The demands in the source are those of the rows' Programs on the built-in pods`()
    throws
  {
    let (baked, derived) = (Calibration.Rows.published, try Calibration.Rows.derived())
    for row: KeyPath<Calibration.Rows, Demand> in [
      \.step, \.stepKeepingClosingCollectives, \.pass, \.bertStage, \.bertClosing64,
      \.bertClosing256,
    ] {
      for (one, other) in zip(baked[keyPath: row].values, derived[keyPath: row].values) {
        #expect(abs(one - other) <= 1e-6 * abs(other), "derived: \(derived[keyPath: row].values)")
      }
    }
  }

  @Test func `The host's constants in the source are those of the rows' Programs`() throws {
    let derived = HostConstants(
      training: HostConstants.Row(of: try CalibrationPrograms.step()),
      pass: HostConstants.Row(of: try CalibrationPrograms.pass()),
      dolly: HostConstants.Row(of: try CalibrationPrograms.dollyPass()))
    #expect(derived == HostConstants.fitted)
  }

  @Test func `Solving anew gives the same constants`() throws {
    let (fitted, again) = (try Validation(), try Validation(fit: true))
    for (one, other) in zip(fitted.calibration.constants, again.calibration.constants) {
      #expect(one.name == other.name)
      #expect(abs(one.value - other.value) <= 1e-5)
    }
  }

  @Test func `FLOPs alone explain a twentieth of the step, streaming some, links most`() throws {
    let ablation = try Ablation()
    for row in ablation.rows {
      for (less, more) in zip(row.stages, row.stages.dropFirst()) {
        #expect(less.seconds <= more.seconds + 1e-12, "\(row.name): \(more.name)")
      }
      let last = try #require(row.stages.last)
      #expect(abs(last.seconds / row.published - 1) < 0.03, "\(row.name)")
    }
    let step = ablation.rows[0]
    #expect(step.stages[0].seconds < 0.08 * step.published)
    #expect(step.stages[3].seconds < 0.3 * step.published)
  }
}
