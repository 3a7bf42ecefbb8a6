import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("A step with stages is timed from its slowest stage and its bubble")
struct PipelinedStepTests {
  private func program(stages: Int, batches: Int, tensor: Int = 4, data: Int = 1) throws -> Program
  {
    var plan = ParallelPlan(
      tensorParallel: tensor, dataParallel: data, microBatchSize: 1, gradientAccumulation: batches,
      attentionSerialisation: 2, pipelineParallel: stages)
    plan.recompute = .live
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
    return try TrainingStep(
      model: gptj6B, plan: plan,
      optimizer: TrainingStep.Optimizer(adamW: adamW, gradientClipping: 1), lossScale: 4096,
      elementType: .float16
    ).program()
  }

  private func bubble(_ step: StepEstimate) -> Double {
    step.phases.first { $0.name == "pipeline_bubble" }?.seconds ?? 0
  }

  @Test("Each further micro-batch takes a turn of the slowest stage; the bubble stays")
  func turns() throws {
    let estimator = try estimator("pod64")
    let steps = try [16, 32, 48].map { try estimator.estimate(program(stages: 4, batches: $0)) }
    let turn = (steps[1].seconds - steps[0].seconds) / 16
    #expect(turn > 0)
    #expect(isWithin(1e-9, steps[2].seconds - steps[1].seconds, of: 16 * turn))
    #expect(isWithin(1e-9, bubble(steps[0]), of: bubble(steps[2])))
    // Three other stages, none slower than the slowest.
    #expect((1.5 * turn...3 * turn).contains(bubble(steps[0])))
  }

  @Test("Phases and causes both add up to the step, the middle one of the interval")
  func sums() throws {
    let step = try estimator("pod64").estimate(program(stages: 4, batches: 32))
    #expect(isWithin(1e-9, step.phases.reduce(0) { $0 + $1.seconds }, of: step.seconds))
    #expect(isWithin(1e-9, step.time.parts.reduce(0) { $0 + $1.seconds }, of: step.seconds))
    #expect(step.secondsLow <= step.seconds && step.seconds <= step.secondsHigh)
    let alone = try estimator("pod64").seconds(program(stages: 4, batches: 32))
    #expect(isWithin(1e-9, alone, of: step.seconds))
  }

  @Test("The wider the boundary's links, the shorter the collectives")
  func links() throws {
    let program = try program(stages: 4, batches: 32, tensor: 1)
    let whole = try estimator("pod64").estimate(program).time
    let half = try estimator("pod64") { $0.links.bytesPerSecondPerLink /= 2 }.estimate(program).time
    #expect((1.5...2).contains(half.collective / whole.collective))
    #expect(half.compute == whole.compute)
    let racks = try estimator("pod64").estimate(self.program(stages: 28, batches: 32)).time
    #expect(racks.collective > whole.collective / 28)
  }

  @Test("The fullest stage is judged: more micro-batches in flight need more memory, up to p")
  func memory() throws {
    let estimator = try estimator("pod64")
    let peaks = try [1, 2, 4, 8].map {
      try estimator.memory(of: program(stages: 4, batches: $0)).sramPeakBytesPerIPU
    }
    #expect(peaks[0] < peaks[1] && peaks[1] < peaks[2] && peaks[2] == peaks[3])
    let ring = 8 * 1024 * 4096 * 2
    #expect(peaks[2] - peaks[1] >= 2 * ring - 1024 * 4096 * 2 * 4)
    let deep = try estimator.memory(of: program(stages: 14, batches: 32)).streamingPeakBytesPerIPU
    let shallow = try estimator.memory(of: program(stages: 2, batches: 32)).streamingPeakBytesPerIPU
    #expect(deep < shallow)
  }

  @Test("The slowest stage's operations explain a step with stages")
  func explained() throws {
    let estimator = try estimator("pod64")
    let whole = try estimator.explain(program(stages: 1, batches: 8, tensor: 16))
    let staged = try estimator.explain(program(stages: 4, batches: 8, tensor: 16))
    #expect(staged.seconds > 0 && whole.seconds > 0 && !staged.entries.isEmpty)
  }
}
