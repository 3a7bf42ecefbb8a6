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
      print(
        name, item.name, item.topology, "s", estimate.secondsLow, estimate.seconds,
        estimate.secondsHigh, "samples/s", estimate.samplesPerSecond, estimate.time.bound,
        "compile", estimate.job?.compileSeconds ?? 0, "load", estimate.job?.loadSeconds ?? 0,
        estimate.memory.fits ? "fits" : "NO FIT",
        estimate.pipeline.map { "a \($0.stageSeconds) c \($0.closingSeconds)" } ?? "")
      #expect(estimate.seconds > 0 && estimate.seconds.isFinite)
      #expect(estimate.secondsLow <= estimate.seconds)
      #expect(estimate.seconds <= estimate.secondsHigh)
      #expect(abs(estimate.time.total / estimate.seconds - 1) < 1e-9)
    }
  }
}
