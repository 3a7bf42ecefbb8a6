import CostModel
import ModelEstimates
import Testing
import Topology
import Transformers

@Suite struct PresetTests {
  @Test(arguments: ModelDescription.builtInNames)
  func `Every plan of a built-in model is timed on its own pod`(_ name: String) throws {
    let description = try ModelDescription.named(name)
    #expect(description.model.name == name)
    for item in description.plans {
      let topology = try PodTopology.named(item.topology)
      let estimate = try ModelEstimator(topology).estimate(description.model, item.plan)
      #expect(estimate.seconds > 0 && estimate.seconds.isFinite)
      #expect(estimate.secondsLow <= estimate.seconds)
      #expect(estimate.seconds <= estimate.secondsHigh)
      #expect(abs(estimate.time.total / estimate.seconds - 1) < 1e-9)
    }
  }
}
