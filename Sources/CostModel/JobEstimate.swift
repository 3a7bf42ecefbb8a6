package import Program
import Topology

/// What to estimate beside one step: the fine-tuning job that the reference's notebook runs.
package struct Job: Sendable, Equatable {
  package var steps = 400
  /// A checkpoint after every so many steps, and a final one; 0 for only that.
  package var stepsBetweenCheckpoints = 100
  /// Whether training and evaluation find their executables in the cache.
  package var isExecutableCached = false
  /// IPUs of one replica that run different code: those of a pipeline.
  package var ipusPerReplica = 1
  /// How many answers are generated after training, if any are.
  package var answers = 9832  // MNLI, validation mismatched

  package init() {}

  /// The reference writes a final one even right after a regular one, its step being one further.
  var checkpoints: Int {
    guard stepsBetweenCheckpoints > 0, steps > 0 else { return 1 }
    return min(steps / stepsBetweenCheckpoints, .max - 1) + 1
  }

  /// Passes until every answer is complete, all slots refilled at once.
  func passes(slots: Int) -> Int {
    let tokens = Double(max(0, answers)) * HostConstants.tokensPerAnswer
    return Int(exactly: (tokens / Double(max(1, slots))).rounded(.up)) ?? .max
  }
}

/// The time line of a job on a pod, in seconds, and its price.
package struct JobEstimate: Sendable, Equatable {
  package let step: StepEstimate
  package var memory: MemoryFit
  package let steps: Int
  package let compileSeconds: Double
  package let loadSeconds: Double
  package let stepsSeconds: Double
  /// Of host memory: to compile, and to hold and convert what is loaded.
  package let compileHostBytes: Int
  package let loadHostBytes: Int
  package let checkpoints: Checkpoints
  /// Nil where nothing is evaluated.
  package let evaluation: Evaluation?
  package let usdPerHour: Double

  package struct Checkpoints: Sendable, Equatable {
    package let count: Int
    package let bytesEach: Int
    package let secondsEach: Double

    package var seconds: Double { Double(count) * secondsEach }
  }

  package struct Evaluation: Sendable, Equatable {
    package let compileSeconds: Double
    package let passes: Int
    /// One pass on the pod.
    package let pass: StepEstimate
    /// The host's loop around a pass.
    package let hostSecondsPerPass: Double
    package let memory: MemoryFit

    package var passesSeconds: Double { Double(passes) * (pass.seconds + hostSecondsPerPass) }
    package var seconds: Double { compileSeconds + passesSeconds }
  }

  /// Between the parts, beside the interval of a step: the same timeline at the step's low and high, and with all
  /// that the host does as much faster or slower as its constants are unsure.
  package var totalSeconds: Double { total(stepSeconds: step.seconds) }
  package var totalSecondsLow: Double {
    total(stepSeconds: step.secondsLow, hostFactor: 1 / HostConstants.spread)
  }
  package var totalSecondsHigh: Double {
    total(stepSeconds: step.secondsHigh, hostFactor: HostConstants.spread)
  }
  package var costUSD: Double { totalSeconds * usdPerHour / 3600 }

  private func total(stepSeconds: Double, hostFactor: Double = 1) -> Double {
    let host =
      compileSeconds + loadSeconds + checkpoints.seconds + (evaluation?.compileSeconds ?? 0)
    return hostFactor * host + Double(steps) * stepSeconds + (evaluation?.passesSeconds ?? 0)
  }
}

extension Estimator {
  /// Estimates a whole job; `pass` generates for the evaluation, and nil means none.
  package func estimate(
    _ job: Job, training: Program, pass: (program: Program, slots: Int)? = nil
  ) -> JobEstimate {
    let step = estimate(training)
    let inventory = Inventory(of: training)
    let host = hostBytes(of: training, ipusPerReplica: job.ipusPerReplica)
    return JobEstimate(
      step: step, memory: memory(of: training), steps: job.steps,
      compileSeconds: compileSeconds(
        of: training, ipusPerReplica: job.ipusPerReplica, isCached: job.isExecutableCached),
      loadSeconds: loadSeconds(of: training), stepsSeconds: Double(job.steps) * step.seconds,
      compileHostBytes: host.compile, loadHostBytes: host.load,
      checkpoints: JobEstimate.Checkpoints(
        count: job.checkpoints, bytesEach: inventory.weightBytes,
        secondsEach: Double(inventory.weightBytes) / HostConstants.checkpointBytesPerSecond),
      evaluation: pass.map { evaluate(job, $0.program, slots: $0.slots) },
      usdPerHour: machine.topology.pricePerHourUSD)
  }

  private func evaluate(_ job: Job, _ program: Program, slots: Int) -> JobEstimate.Evaluation {
    JobEstimate.Evaluation(
      compileSeconds: compileSeconds(
        of: program, ipusPerReplica: job.ipusPerReplica, isCached: job.isExecutableCached),
      passes: job.passes(slots: slots), pass: estimate(program),
      hostSecondsPerPass: calibration.central.hostSecondsPerPass, memory: memory(of: program))
  }
}
