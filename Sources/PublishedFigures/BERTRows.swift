import Configuration
package import CostModel
import ModelEstimates
import Topology
import Transformers

/// The two published pipelines of BERT-Large, as its description has them (MLPerf v2.0, Graphcore).
package enum BERTRow: String, Sendable, CaseIterable {
  case pod64, pod256

  package var publishedSeconds: Double {
    self == .pod64 ? Published.bertPod64Seconds : Published.bertPod256Seconds
  }

  /// The pipeline, and who times it with the settings of its plan.
  package func pipeline(
    calibration: Calibration = .fitted
  ) throws -> (pipeline: Pipeline, estimator: Estimator) {
    let description = try ModelDescription.named("bert-large")
    let named = try description.plan(named: "mlperf_\(rawValue)")
    return try ModelEstimator(PodTopology.named(rawValue))
      .pipeline(description.model, named.plan, calibration: calibration)
  }

  /// Its replicas.
  package var dataParallel: Int { self == .pod64 ? 8 : 32 }
}
