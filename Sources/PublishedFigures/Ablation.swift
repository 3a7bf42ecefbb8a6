package import CostModel
import Program
import Topology

/// What each part of the model explains of the steps that it is calibrated on: FLOPs at the peak
/// alone, then one part after the other.
package struct Ablation: Sendable {
  package let rows: [Row]

  package struct Row: Sendable {
    package let name: String
    package let published: Double
    /// Seconds with this part and all before it.
    package let stages: [(name: String, seconds: Double)]
  }

  package init(calibration: Calibration = .fitted) throws {
    let pod16 = Estimator(try PodTopology.named("pod16"), calibration: calibration)
    var rows: [Row] = []
    for (name, published, program, host) in [
      (
        "GPT-J 6B step", Published.stepSeconds.central, try CalibrationPrograms.step(), 0.0
      ),
      (
        "GPT-J generative pass", Published.passSeconds, try CalibrationPrograms.pass(),
        calibration.central.hostSecondsPerPass
      ),
    ] {
      let step = pod16.estimate(program)
      rows.append(
        Row(
          name, published, step.time, peak: pod16.secondsAtPeak(flops: step.flopsPerIPU),
          host: host))
    }
    for row in BERTRow.allCases {
      let (pipeline, estimator) = try row.pipeline(calibration: calibration)
      let flops = Double(pipeline.stage.work.flops) * pipeline.turns
      rows.append(
        Row(
          "BERT-Large pipeline step, \(row.rawValue)", row.publishedSeconds,
          estimator.demands(of: pipeline).split(pipeline.turns, with: calibration.central.shares),
          peak: estimator.secondsAtPeak(flops: Int(flops)),
          host: calibration.central.pipelineSecondsPerStep))
    }
    self.rows = rows
  }
}

extension Ablation.Row {
  fileprivate init(
    _ name: String, _ published: Double, _ time: TimeSplit, peak: Double, host: Double
  ) {
    self.name = name
    self.published = published
    var sum = time.compute
    var stages = [("FLOPs at the peak", peak), ("at the curve of products", sum)]
    for (part, seconds) in [
      ("+ vector work and exchange", time.vector + time.exchange),
      ("+ streaming memory", time.streaming), ("+ links", time.collective),
      ("+ host", time.host + host),
    ] {
      sum += seconds
      stages.append((part, sum))
    }
    self.stages = stages
  }
}
