package import CostModel
import Program
import Topology

/// Published figures beside what the model says of them.
package struct Validation: Sendable {
  package let rows: [Row]
  package let calibration: Calibration
  package let host: HostConstants

  /// What a published figure is to the model.
  package enum Role: String, Sendable {
    /// It was used to solve a constant.
    case calibration
    /// It follows from others that were: the whole job from its parts.
    case derived
    /// Counted from a Program, without any constant.
    case count
    /// Never used.
    case prediction
  }

  package struct Row: Sendable {
    package let name: String
    package let source: String
    package let role: Role
    package let unit: String
    package let published: Double
    package let modelled: Double
    package let low: Double
    package let high: Double
    /// The share by which the model may be off.
    package let tolerance: Double

    package var error: Double { published == 0 ? 0 : modelled / published - 1 }
    package var isWithinTolerance: Bool { abs(error) <= tolerance }
  }

  package var isWithinTolerance: Bool { rows.allSatisfy(\.isWithinTolerance) }

  /// Of what is calibrated or counted.
  package static let tolerance = 0.03
  /// Of what the host does, published as "about" so many minutes.
  package static let hostTolerance = 0.1

  /// Compares all rows; with `fit` the constants are solved anew from the rows' Programs.
  package init(fit: Bool = false) throws {
    calibration = fit ? Calibration(rows: try .derived()) : .fitted
    host = .fitted
    rows = try ValidationRows(calibration: calibration).all()
  }
}

/// Builds the rows: the figures' sources stand on their lines.
private struct ValidationRows {
  let calibration: Calibration

  private static let notebook = "Graphcore GPT-J notebook, Bow Pod16"
  private static let dolly = "Graphcore Dolly notebook, 4 IPUs"
  private static let code = "Graphcore examples, nlp/gpt_j/popxl, counted"

  func all() throws -> [Validation.Row] {
    try step() + pass() + pipelines() + job() + host() + counts()
  }

  private func estimator(_ name: String) throws -> Estimator {
    Estimator(try PodTopology.named(name), calibration: calibration)
  }

  private func step() throws -> [Validation.Row] {
    let step = try estimator("pod16").estimate(CalibrationPrograms.step())
    return [
      Validation.Row(
        name: "GPT-J 6B step, TP 16", source: Self.notebook, role: .calibration, unit: "s",
        published: Published.stepSeconds.central, modelled: step.seconds, low: step.secondsLow,
        high: step.secondsHigh, tolerance: Validation.tolerance)
    ]
  }

  private func pass() throws -> [Validation.Row] {
    let pass = try estimator("pod16").estimate(CalibrationPrograms.pass())
    let host = calibration.central.hostSecondsPerPass
    return [
      Validation.Row(
        name: "GPT-J generative pass, 16 x 229 tokens, TP 16", source: Self.notebook,
        role: .calibration, unit: "s", published: Published.passSeconds,
        modelled: pass.seconds + host, low: pass.secondsLow + host, high: pass.secondsHigh + host,
        tolerance: Validation.tolerance)
    ]
  }

  private func pipelines() throws -> [Validation.Row] {
    try BERTRow.allCases.map { row in
      let (pipeline, estimator) = try row.pipeline(calibration: calibration)
      let estimate = estimator.estimate(pipeline)
      return Validation.Row(
        name: "BERT-Large pipeline step, 8 IPUs, DP \(row.dataParallel)",
        source: "MLPerf v2.0, Graphcore, Bow P\(row.rawValue.dropFirst())", role: .calibration,
        unit: "s", published: row.publishedSeconds, modelled: estimate.seconds,
        low: estimate.secondsLow, high: estimate.secondsHigh, tolerance: Validation.tolerance)
    }
  }

  private func job() throws -> [Validation.Row] {
    let job = try estimator("pod16").estimate(
      Job(), training: CalibrationPrograms.step(), pass: (CalibrationPrograms.pass(), 16))
    let rate = job.usdPerHour / 3600
    return [
      Validation.Row(
        name: "GPT-J job, 400 steps and evaluation", source: Self.notebook, role: .derived,
        unit: "s", published: Published.jobSeconds, modelled: job.totalSeconds,
        low: job.totalSecondsLow, high: job.totalSecondsHigh, tolerance: Validation.tolerance),
      Validation.Row(
        name: "GPT-J job, price", source: Self.notebook, role: .derived, unit: "$",
        published: Published.jobUSD, modelled: job.costUSD, low: job.totalSecondsLow * rate,
        high: job.totalSecondsHigh * rate, tolerance: Validation.tolerance),
    ]
  }

  private func host() throws -> [Validation.Row] {
    let (pod16, pod4) = (try estimator("pod16"), try estimator("pod4"))
    let (step, pass) = (try CalibrationPrograms.step(), try CalibrationPrograms.pass())
    let dolly = try CalibrationPrograms.dollyPass()
    let rows: [(String, String, Double, Double)] = [
      (
        "GPT-J training, compile", Self.notebook, Published.trainingCompileSeconds,
        pod16.compileSeconds(of: step)
      ),
      (
        "GPT-J evaluation, compile", Self.notebook, Published.evaluationCompileSeconds,
        pod16.compileSeconds(of: pass)
      ),
      (
        "GPT-J training, load", Self.notebook, Published.trainingLoadSeconds,
        pod16.loadSeconds(of: step)
      ),
      (
        "Dolly 12B inference, compile", Self.dolly,
        Published.dollyGraphSeconds + Published.dollyCompileSeconds,
        pod4.compileSeconds(of: dolly)
      ),
      (
        "Dolly 12B inference, load", Self.dolly, Published.dollyLoadSeconds,
        pod4.loadSeconds(of: dolly)
      ),
    ]
    return rows.map { name, source, published, modelled in
      Validation.Row(
        name: name, source: source, role: .calibration, unit: "s", published: published,
        modelled: modelled, low: modelled / HostConstants.spread,
        high: modelled * HostConstants.spread, tolerance: Validation.hostTolerance)
    }
  }

  private func counts() throws -> [Validation.Row] {
    let step = try estimator("pod16").estimate(CalibrationPrograms.step(closingCollectives: true))
    let rows: [(String, String, Double, Double)] = [
      ("FLOPs of an IPU and step", "FLOP", 395e12, Double(step.flopsPerIPU)),
      (
        "streaming memory, loaded by an IPU", "B", 11_745e6, Double(step.streamingLoadBytesPerIPU)
      ),
      (
        "streaming memory, stored by an IPU", "B", 8_431e6, Double(step.streamingStoreBytesPerIPU)
      ),
      ("all-reduces of an IPU, payload", "B", 182.5e9, Double(step.allReduceBytesPerIPU)),
      ("all-gathers of an IPU, payload", "B", 92.3e9, Double(step.allGatherBytesPerIPU)),
    ]
    return rows.map { name, unit, published, modelled in
      Validation.Row(
        name: name, source: Self.code, role: .count, unit: unit, published: published,
        modelled: modelled, low: modelled, high: modelled, tolerance: Validation.tolerance)
    }
  }
}
