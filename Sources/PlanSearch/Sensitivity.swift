import CostModel
import GPTJ
package import Topology

/// What a topology's figure is multiplied by, and the best plan then.
package struct Sensitivity: Sendable {
  package let figure: Figure
  package let factor: Double
  /// Nil where none fits.
  package let best: PlanRanking.Entry?
  /// On the changed topology.
  package let estimator: PlanEstimator
  package var topology: PodTopology { estimator.topology }

  package enum Figure: String, Sendable, CaseIterable {
    case links = "link bandwidth"
    case streaming = "streaming bandwidth"
    case price

    func scale(_ topology: inout PodTopology, by factor: Double) {
      switch self {
      case .links:
        topology.links.bytesPerSecondPerLink *= factor
        topology.links.acrossRacksBytesPerSecondPerLink *= factor
      case .streaming:
        topology.machine.streamingBytesPerSecond *= factor
        topology.machine.streamingBytesPerSecondPerIPU *= factor
      case .price: topology.pricePerHourUSD *= factor
      }
    }
  }
}

extension PlanEstimator {
  /// The best plan of a space with each figure at half and at twice what it is.
  ///
  /// Cost: a search for each.
  package func sensitivity(in space: PlanSpace) -> [Sensitivity] {
    Sensitivity.Figure.allCases.flatMap { figure in
      [0.5, 2].map { factor in
        var topology = topology
        figure.scale(&topology, by: factor)
        let changed = with(topology: topology)
        return Sensitivity(
          figure: figure, factor: factor, best: changed.search(space, best: 1).best.first,
          estimator: changed)
      }
    }
  }
}
