package import Program
import Topology

/// Layers spread over stages that work on different micro-batches at once (PopART, PopTorch):
/// t = a (G + 2 p - 1) + c, with a the slowest stage's time for one micro-batch, forward, recompute
/// and backward, and c what follows them once a step.
package struct Pipeline: Sendable {
  /// One micro-batch on the slowest stage.
  package var stage: Program
  /// The reduction over replicas and the optimizer, on the fullest stage.
  ///
  /// Its mesh's tensor-parallel width is taken for the IPUs of a replica: its replicas are so far apart.
  package var closing: Program
  package var stages: Int
  /// Micro-batches that a replica accumulates.
  package var microBatches: Int
  /// Activations of a micro-batch between two stages; as many gradients come back.
  package var boundaryBytes: Int

  package init(
    stage: Program, closing: Program, stages: Int, microBatches: Int, boundaryBytes: Int
  ) {
    precondition(stages > 0 && microBatches > 0, "a pipeline has stages and micro-batches")
    self.stage = stage
    self.closing = closing
    self.stages = stages
    self.microBatches = microBatches
    self.boundaryBytes = boundaryBytes
  }

  /// How many turns of the slowest stage a step takes: filling, running and draining.
  package var turns: Double { Double(microBatches) + 2 * Double(stages) - 1 }

  /// What a step asks for: the turns, and what follows them.
  package struct Demands: Equatable {
    package var stage: Demand
    package var closing: Demand

    func time(_ turns: Double, with shares: Calibration.Shares) -> Double {
      turns * stage.time(with: shares).total + closing.time(with: shares).total
    }

    /// The same by cause.
    package func split(_ turns: Double, with shares: Calibration.Shares) -> TimeSplit {
      let (turn, end) = (stage.time(with: shares), closing.time(with: shares))
      return TimeSplit(
        compute: turns * turn.compute + end.compute, vector: turns * turn.vector + end.vector,
        exchange: turns * turn.exchange + end.exchange,
        streaming: turns * turn.streaming + end.streaming,
        collective: turns * turn.collective + end.collective, host: turns * turn.host + end.host)
    }
  }
}

/// How long a step of a pipeline takes.
package struct PipelineEstimate: Sendable, Equatable {
  package let seconds: Double
  package let secondsLow: Double
  package let secondsHigh: Double
  /// a of the formula.
  package let stageSeconds: Double
  /// c of the formula.
  package let closingSeconds: Double
  /// The share of the step in which the slowest stage waits for the pipeline to fill or drain.
  package let bubbleShare: Double
}

extension Estimator {
  package func estimate(_ pipeline: Pipeline) -> PipelineEstimate {
    let demands = demands(of: pipeline)
    let all = calibration.members.map {
      demands.time(pipeline.turns, with: $0.shares) + $0.pipelineSecondsPerStep
    }
    let central = calibration.central
    let stage = demands.stage.time(with: central.shares).total
    let total =
      demands.time(pipeline.turns, with: central.shares) + central.pipelineSecondsPerStep
    return PipelineEstimate(
      seconds: total, secondsLow: all.min() ?? total, secondsHigh: all.max() ?? total,
      stageSeconds: stage,
      closingSeconds: demands.closing.time(with: central.shares).total
        + central.pipelineSecondsPerStep,
      bubbleShare: total > 0 ? stage * Double(2 * pipeline.stages - 1) / total : 0)
  }

  /// What one member of the ensemble makes of it.
  package func seconds(_ pipeline: Pipeline, as member: Calibration.Member) -> Double {
    demands(of: pipeline).time(pipeline.turns, with: member.shares)
      + member.pipelineSecondsPerStep
  }

  /// Replicas of several IPUs always have rings, one for each of their IPUs (Graphcore's GCL).
  package func demands(of pipeline: Pipeline) -> Pipeline.Demands {
    var machine = machine
    machine.replicasHaveRings = true
    var stage = Bill(of: pipeline.stage, on: machine).demand()
    if pipeline.stages > 1 {
      // A micro-batch goes there and back.
      let rate = machine.topology.neighbourBytesPerSecond(distance: 1, stages: 1)
      stage.linkSeconds += 2 * Double(pipeline.boundaryBytes) / rate
      stage.linkSteps += 2
    }
    return Pipeline.Demands(
      stage: stage, closing: Bill(of: pipeline.closing, on: machine).demand())
  }
}
