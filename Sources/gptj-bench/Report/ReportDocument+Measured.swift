import CostModel
import Emulator
import FineTuning
import GPTJ
import Kernels
import Program
import Topology

extension ReportDocument {
  /// What this host measured of the small model's run; none of it is about the pod but the last.
  struct Measured: Encodable {
    let model: Model
    let plan: Plan
    let ranks, workers, steps, tokensPerStep: Int
    let stepSeconds, tokensPerSecond: Double
    let losses, gradientNorms, learningRates: [Double]
    /// Of the median step, summed over ranks.
    let computeSeconds, collectiveSeconds, waitSeconds: Double
    /// CPU time of the process over the steps that is in no operation, as a share of all of it.
    let cpuShareOutsideOperations: Double
    let perRank: [Rank]
    let peakFlopsPerSecond, shareOfPeak: Double
    let note: String?
    /// What the cost model says the pod would take for this same small Program.
    let modelledPodStepSeconds, modelledPodStepSecondsLow, modelledPodStepSecondsHigh: Double

    struct Rank: Encodable {
      let computeSeconds, collectiveSeconds, waitSeconds: Double
    }

    init(_ run: RealRun, on topology: PodTopology) {
      let median = run.medianUpdate.measured
      model = Model(run.trainer.step.model)
      plan = Plan(run.trainer.step.plan)
      ranks = run.trainer.program.mesh.ranks
      workers = run.trainer.emulator.workerCount
      steps = run.updates.count
      tokensPerStep = run.tokensPerStep
      stepSeconds = run.stepSeconds
      tokensPerSecond = Double(run.tokensPerStep) / run.stepSeconds
      losses = run.updates.map(\.loss)
      gradientNorms = run.updates.map(\.gradientNorm)
      learningRates = run.updates.map(\.learningRate)
      computeSeconds = median.computeSeconds
      collectiveSeconds = median.collectiveSeconds
      waitSeconds = median.waitSeconds
      cpuShareOutsideOperations = run.cpuShareOutsideOperations
      perRank = median.ranks.map {
        Rank(
          computeSeconds: $0.computeSeconds, collectiveSeconds: $0.collectiveSeconds,
          waitSeconds: $0.waitSeconds)
      }
      peakFlopsPerSecond = run.peakFlopsPerSecond
      shareOfPeak = run.shareOfPeak
      note = run.note
      let pod = run.modelled(on: topology)
      modelledPodStepSeconds = pod.seconds
      modelledPodStepSecondsLow = pod.secondsLow
      modelledPodStepSecondsHigh = pod.secondsHigh
    }
  }

  /// The machine that measured.
  struct Host: Encodable {
    let cpu: String
    let packages, numaNodes, cores, allowedCores, memoryBytes: Int
    let processingUnits: [Int]
    let pinned, memoryBound: Bool
    let gemm: String
    let faithful: Bool
    let refusals: [String]

    init(_ setup: HostSetup) {
      cpu = setup.host.cpuModel
      packages = setup.host.packageCount
      numaNodes = setup.host.numaNodes.count
      cores = setup.host.coreCount
      allowedCores = setup.host.allowedCoreCount
      memoryBytes = setup.host.memoryBytes
      processingUnits = setup.placement.workers.map(\.unit.index)
      pinned = setup.arePinned
      memoryBound = setup.areBound
      gemm = setup.gemm.rawValue
      faithful = setup.isFaithful
      refusals = setup.refusals
    }
  }
}

extension RealRun {
  /// The update whose time is the median of all but the first.
  var medianUpdate: Trainer.Update {
    let sorted = updates.dropFirst().sorted { $0.measured.seconds < $1.measured.seconds }
    return sorted.isEmpty ? updates[0] : sorted[sorted.count / 2]
  }

  /// Over all steps: process CPU time less the time inside operations, over process CPU time.
  var cpuShareOutsideOperations: Double {
    let cpu = updates.reduce(0) { $0 + $1.measured.cpuSeconds }
    let busy = updates.reduce(0) { $0 + $1.measured.operationCPUSeconds }
    return cpu > 0 ? max(0, cpu - busy) / cpu : 0
  }
}
