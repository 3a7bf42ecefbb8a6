import CostModel
import GPTJ
import PlanSearch
import Program

extension ReportDocument {
  /// What the cost model says about the pod; none of it was measured here.
  struct Modelled: Encodable {
    let stepSeconds, stepSecondsLow, stepSecondsHigh, tokensPerSecond: Double
    let phases: [Phase]
    let steps: Int
    let compileSeconds, loadSeconds, stepsSeconds, checkpointSeconds, evaluationSeconds: Double
    let checkpoints, compileHostBytes, loadHostBytes: Int
    /// From compilation to the last answer; whole seconds and cents that add up to the total's.
    let timeline: [TimelinePart]
    let totalSeconds, totalSecondsLow, totalSecondsHigh, costUSD, priceUSDPerHour: Double
    let costSource: String
    let flopsPerIPU, streamingLoadBytesPerIPU, streamingStoreBytesPerIPU: Int
    let allreduceBytesPerIPU, allgatherBytesPerIPU: Int
    let allreduceWireBytesPerIPU, allgatherWireBytesPerIPU: Double
    let fits: Bool
    let reasons, remedies: [String]
    let sramPeakBytesPerIPU, sramBytesPerIPU, streamingPeakBytesPerIPU, streamingBytesPerIPU: Int

    struct TimelinePart: Encodable {
      let name: String
      let seconds: Int
      let costUSD: Double

      init(_ part: Timeline.Part) {
        name = part.name
        seconds = part.seconds
        costUSD = Double(part.cents) / 100
      }
    }

    struct Phase: Encodable {
      let name: String
      let count: Int
      let seconds, computeSeconds, vectorSeconds, exchangeSeconds, streamingSeconds: Double
      let collectiveSeconds, hostSeconds: Double
      let flopsPerIPU, streamingLoadBytesPerIPU, streamingStoreBytesPerIPU: Int
      let allreduceBytesPerIPU, allgatherBytesPerIPU, sramPeakBytesPerIPU: Int

      init(_ phase: StepEstimate.Phase, sramPeakBytes: Int) {
        name = phase.name
        count = phase.count
        seconds = phase.seconds
        computeSeconds = phase.time.compute
        vectorSeconds = phase.time.vector
        exchangeSeconds = phase.time.exchange
        streamingSeconds = phase.time.streaming
        collectiveSeconds = phase.time.collective
        hostSeconds = phase.time.host
        flopsPerIPU = phase.work.flops
        streamingLoadBytesPerIPU = phase.work.loadBytes
        streamingStoreBytesPerIPU = phase.work.storeBytes
        let collectives = phase.work.collectives
        allreduceBytesPerIPU = collectives.bytes(.allReduceSum) + collectives.bytes(.allReduceMax)
        allgatherBytesPerIPU = collectives.bytes(.allGather)
        sramPeakBytesPerIPU = sramPeakBytes
      }
    }

    init(_ estimate: PlanEstimate, priceSource: String) {
      let (job, step, memory) = (estimate.job, estimate.job.step, estimate.job.memory)
      stepSeconds = step.seconds
      stepSecondsLow = step.secondsLow
      stepSecondsHigh = step.secondsHigh
      tokensPerSecond = estimate.tokensPerSecond
      phases = step.phases.map { phase in
        Phase(
          phase, sramPeakBytes: memory.phases.first { $0.name == phase.name }?.bytes ?? 0)
      }
      steps = job.steps
      compileSeconds = job.compileSeconds
      loadSeconds = job.loadSeconds
      stepsSeconds = job.stepsSeconds
      checkpoints = job.checkpoints.count
      compileHostBytes = job.compileHostBytes
      loadHostBytes = job.loadHostBytes
      timeline = job.timeline.parts.map(TimelinePart.init)
      checkpointSeconds = job.checkpoints.seconds
      evaluationSeconds = job.evaluation?.seconds ?? 0
      totalSeconds = job.totalSeconds
      totalSecondsLow = job.totalSecondsLow
      totalSecondsHigh = job.totalSecondsHigh
      costUSD = job.costUSD
      priceUSDPerHour = job.usdPerHour
      costSource = priceSource
      flopsPerIPU = step.flopsPerIPU
      streamingLoadBytesPerIPU = step.streamingLoadBytesPerIPU
      streamingStoreBytesPerIPU = step.streamingStoreBytesPerIPU
      allreduceBytesPerIPU = step.allReduceBytesPerIPU
      allgatherBytesPerIPU = step.allGatherBytesPerIPU
      allreduceWireBytesPerIPU = step.allReduceWireBytesPerIPU
      allgatherWireBytesPerIPU = step.allGatherWireBytesPerIPU
      fits = memory.fits
      reasons = memory.reasons
      remedies = memory.remedies
      sramPeakBytesPerIPU = memory.sramPeakBytesPerIPU
      sramBytesPerIPU = memory.sramBytesPerIPU
      streamingPeakBytesPerIPU = memory.streamingPeakBytesPerIPU
      streamingBytesPerIPU = memory.streamingBytesPerIPU
    }
  }
}
