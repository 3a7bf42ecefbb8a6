import CostModel
import ModelEstimates
import Program
import Reporting
import Topology
import Transformers

/// What `estimate --model` has found out.
struct ModelAnswer {
  let workload: ModelWorkload
  let estimate: ModelEstimate
}

/// The report of a model that is only timed, for people.
struct ModelText {
  let answer: ModelAnswer
  let terminal: Terminal

  private var estimate: ModelEstimate { answer.estimate }
  private var model: TransformerModel { estimate.model }
  private var plan: ExecutionPlan { estimate.plan }

  func text() -> String {
    let topology = answer.workload.topology
    let title = "Modelled, not measured: \(model.name) on \(topology.name)"
    var lines = [terminal.styled(title, .bold)]
    func line(_ name: String, _ text: String) {
      let label = name + String(repeating: " ", count: max(0, 8 - name.count))
      lines.append("  \(label)  \(text)")
    }
    line("note", OnlyGPTJ.sentence)
    line("model", shape)
    line("plan", "\(plan.summary); \(origin)")
    line("memory", memory)
    for reason in estimate.memory.reasons { line("", reason) }
    line(plan.task == .training ? "step" : "pass", duration)
    line("speed", speed(on: topology))
    line("split", split)
    if let pipeline = estimate.pipeline { line("pipeline", turns(pipeline)) }
    if let job = estimate.job { line("job", self.job(job)) }
    if let seconds = estimate.compileSeconds {
      line("job", "compile \(Format.duration(seconds: seconds))")
    }
    return lines.joined(separator: "\n") + "\n" + phases
  }

  private var shape: String {
    let kind = model.architecture.rawValue.replacing("_", with: "-")
    return "\(kind), \(model.layers) layers\(model.hasCrossAttention ? " twice" : "") of width "
      + "\(model.hiddenSize), \(model.heads) heads, vocabulary \(model.vocabularySize): "
      + "\(Format.grouped(model.parameterCount)) parameters"
  }

  private var origin: String {
    answer.workload.isChanged
      ? "changed from \(answer.workload.planName)"
      : "\(answer.workload.planName) of \(answer.workload.source)"
  }

  private var memory: String {
    (estimate.memory.fits ? "fits: " : terminal.styled("does not fit", .red) + ": ")
      + estimate.memory.usage
  }

  private var duration: String {
    "\(seconds(estimate.seconds)) (\(seconds(estimate.secondsLow)) to "
      + "\(seconds(estimate.secondsHigh)))"
  }

  private func speed(on topology: PodTopology) -> String {
    let tokens = estimate.tokensPerSecond
    let speed =
      "\(Format.fixed(estimate.samplesPerSecond, 2, grouped: true)) samples/s, "
      + "\(Format.fixed(tokens, tokens < 100 ? 2 : 0, grouped: true)) "
      + (plan.task == .training ? "tokens/s" : "generated tokens/s")
    return speed
      + (estimate.shareOfPeak(on: topology).map { ", \(Format.percent($0)) of the peak" } ?? "")
  }

  private var split: String {
    estimate.time.parts.filter { $0.seconds > 0 }
      .map { "\($0.name) \(seconds($0.seconds))" }.joined(separator: ", ")
  }

  private func turns(_ pipeline: PipelineEstimate) -> String {
    "\(plan.gradientAccumulation + 2 * plan.ipusPerReplica - 1) turns of "
      + "\(seconds(pipeline.stageSeconds)), then \(seconds(pipeline.closingSeconds)); "
      + "\(Format.percent(pipeline.bubbleShare)) fills and drains"
  }

  private func job(_ job: JobEstimate) -> String {
    let host =
      "compile \(Format.duration(seconds: job.compileSeconds)), load "
      + Format.duration(seconds: job.loadSeconds)
    guard plan.task == .training else { return host }
    return host + ", \(Format.grouped(job.steps)) steps "
      + "\(Format.duration(seconds: job.stepsSeconds)), total "
      + "\(Format.duration(seconds: job.totalSeconds)), \(Format.dollars(job.costUSD))"
  }

  private var phases: String {
    guard let step = estimate.step else { return "" }
    return "\n" + step.phaseTable(decimals: 4).text(width: terminal.width)
  }

  private func seconds(_ value: Double) -> String {
    value < 1
      ? "\(Format.fixed(value * 1000, 2)) ms" : "\(Format.fixed(value, 2, grouped: true)) s"
  }
}

extension ExecutionPlan {
  /// What it is, in few words.
  var summary: String {
    let batch =
      "micro-batch \(microBatchSize)"
      + (task == .training ? " x \(gradientAccumulation)" : "")
    let ranks =
      execution == .pipeline
      ? "pipeline of \(ipusPerReplica) IPUs x DP \(dataParallel)"
      : "TP \(tensorParallel)" + (task == .training ? " x DP \(dataParallel)" : "")
    return "\(task.rawValue), \(ranks), \(batch), sequence \(sequenceLength)"
  }
}
