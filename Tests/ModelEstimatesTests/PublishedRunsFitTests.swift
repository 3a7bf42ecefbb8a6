import CostModel
import ModelEstimates
import Testing
import Topology
import Transformers

@Suite struct PublishedRunsFitTests {
  /// Their references ran all of these plans on these pods: the memory model must let them.
  @Test(arguments: ModelDescription.builtInNames)
  func `What was run on a pod fits it`(_ name: String) throws {
    let description = try ModelDescription.named(name)
    for item in description.plans {
      let topology = try PodTopology.named(item.topology)
      let memory = try ModelEstimator(topology).estimate(description.model, item.plan).memory
      #expect(memory.fits, "\(item.name): \(memory.reasons)")
    }
  }
}
