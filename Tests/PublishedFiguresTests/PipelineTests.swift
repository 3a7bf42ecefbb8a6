import CostModel
import PublishedFigures
import Testing

@Suite("A pipeline's step is a (G + 2p - 1) + c")
struct PipelineTests {
  private func estimate(_ change: (inout Pipeline) -> Void) throws -> PipelineEstimate {
    var (pipeline, estimator) = try BERTRow.pod64.pipeline()
    change(&pipeline)
    return estimator.estimate(pipeline)
  }

  @Test("The published rows, within 3 %", arguments: BERTRow.allCases)
  func published(_ row: BERTRow) throws {
    let (pipeline, estimator) = try row.pipeline()
    let estimate = estimator.estimate(pipeline)
    #expect(abs(estimate.seconds / row.publishedSeconds - 1) < 0.03)
    #expect(estimate.secondsLow < estimate.seconds && estimate.seconds < estimate.secondsHigh)
  }

  @Test("Micro-batches cost a turn each, stages two", arguments: [1, 7, 96, 1000])
  func turns(_ microBatches: Int) throws {
    let base = try estimate { $0.microBatches = microBatches }
    let more = try estimate { $0.microBatches = microBatches + 1 }
    let turn = base.stageSeconds
    #expect(abs(more.seconds - base.seconds - turn) < 1e-9)
    let longer = try estimate {
      $0.microBatches = microBatches
      $0.stages = 9
    }
    #expect(abs(longer.seconds - base.seconds - 2 * turn) < 1e-9)
    #expect(abs(base.bubbleShare * base.seconds - 15 * turn) < 1e-9)
    let sum = turn * Double(microBatches + 15) + base.closingSeconds
    #expect(abs(sum - base.seconds) < 1e-9)
  }
}
