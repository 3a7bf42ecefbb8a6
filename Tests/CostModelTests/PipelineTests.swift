import CostModel
import Program
import Testing
import Topology

@Suite("A pipeline's step is a (G + 2p - 1) + c")
struct PipelineTests {
  private func estimate(
    _ name: String = "pod64", _ change: (inout Pipeline) -> Void
  ) throws -> PipelineEstimate {
    var pipeline = BERTPipeline.pod64.pipeline
    change(&pipeline)
    return try estimator(name).estimate(pipeline)
  }

  @Test("The published rows, within 3 %")
  func published() throws {
    let pod64 = try estimator("pod64").estimate(BERTPipeline.pod64.pipeline)
    let pod256 = try estimator("pod256").estimate(BERTPipeline.pod256.pipeline)
    #expect(isWithin(0.03, pod64.seconds, of: 0.6212))
    #expect(isWithin(0.03, pod256.seconds, of: 0.3632))
    for row in [pod64, pod256] {
      #expect(row.secondsLow <= row.seconds && row.seconds <= row.secondsHigh)
    }
  }

  @Test("Micro-batches cost a turn each, stages two", arguments: [1, 7, 96, 1000])
  func turns(_ microBatches: Int) throws {
    let base = try estimate { $0.microBatches = microBatches }
    let more = try estimate { $0.microBatches = microBatches + 1 }
    #expect(isWithin(1e-6, more.seconds - base.seconds, of: base.stageSeconds))
    let longer = try estimate {
      $0.microBatches = microBatches
      $0.stages = 9
    }
    #expect(isWithin(1e-6, longer.seconds - base.seconds, of: 2 * base.stageSeconds))
    #expect(
      isWithin(1e-9, base.bubbleShare, of: 15 * base.stageSeconds / base.seconds))
  }

  @Test("Two machines' worth of replicas reduce over their own rings, even in a mesh")
  func mesh() throws {
    let closing = try estimate("pod16") { $0.closing = BERTPipeline.closing(dataParallel: 2) }
    #expect(closing.closingSeconds < 0.2)
  }
}
