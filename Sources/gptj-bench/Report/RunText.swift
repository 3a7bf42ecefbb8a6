import CostModel
import Emulator
import FineTuning
import GPTJ
import PlanSearch
import Reporting
import Topology

/// The report of `run` and of a single `estimate`, for people: one screen.
struct RunText {
  let estimate: PlanEstimate
  let topology: PodTopology
  var run: RealRun?
  let terminal: Terminal

  func text() -> String {
    var text = heading("Modelled: GPT-J on \(topology.name)") + facts()
    text += "\n" + heading("One step") + step()
    text += "\n" + heading("The job") + job()
    if let run { text += "\n" + heading("Measured on this host") + measured(run) }
    return text
  }

  private func heading(_ title: String) -> String { terminal.styled(title, .bold) + "\n" }

  /// Lines of a name and what is to say about it.
  private func lines(_ pairs: [(String, String)]) -> String {
    let width = pairs.map(\.0.count).max() ?? 0
    return pairs.map { name, value in
      "  \(name)\(String(repeating: " ", count: width - name.count))  \(value)\n"
    }.joined()
  }

  private func facts() -> String {
    let (model, plan, memory) = (estimate.model, estimate.plan, estimate.job.memory)
    var pairs = [
      (
        "pod",
        "\(topology.ipus) IPUs of \(topology.ipu.tiles) tiles at "
          + "\(Format.si(topology.ipu.clockHertz, "Hz")), \(topology.links.kind.rawValue)"
      ),
      (
        "model",
        "\(model.layers) layers x \(model.hiddenSize), \(model.heads) heads, vocabulary "
          + "\(model.vocabularySize): \(Format.grouped(model.parameterCount)) parameters"
      ),
      (
        "plan",
        "TP \(plan.tensorParallel) x DP \(plan.dataParallel), micro-batch \(plan.microBatchSize) x "
          + "\(plan.gradientAccumulation) accumulated = \(plan.globalBatchSize) sequences of "
          + "\(model.sequenceLength)"
      ),
      ("memory", fit(memory)),
    ]
    pairs += memory.reasons.map { ("", $0) }
    pairs += memory.remedies.map { ("", "it would fit with \($0)") }
    return lines(pairs)
  }

  private func fit(_ memory: MemoryFit) -> String {
    let verdict = memory.fits ? "fits" : terminal.styled("does not fit", .red)
    let fullest = memory.phases.max { $0.bytes < $1.bytes }?.name ?? ""
    return "\(verdict): SRAM \(Format.si(Double(memory.sramPeakBytesPerIPU), "B", digits: 3)) of "
      + "\(Format.si(Double(memory.sramBytesPerIPU), "B", digits: 3)) (\(fullest)), streaming memory "
      + "\(Format.si(Double(memory.streamingPeakBytesPerIPU), "B", digits: 3)) of "
      + "\(Format.si(Double(memory.streamingBytesPerIPU), "B", digits: 3)) on each IPU"
  }

  private func step() -> String {
    let step = estimate.job.step
    let split = lines([
      (
        "step",
        "\(seconds(step.seconds)) (\(seconds(step.secondsLow)) to \(seconds(step.secondsHigh))), "
          + "\(Format.si(estimate.tokensPerSecond, "tokens/s", digits: 3))"
      ),
      (
        "each IPU",
        "\(Format.si(Double(step.flopsPerIPU), "FLOP")), loads "
          + "\(Format.si(Double(step.streamingLoadBytesPerIPU), "B")), stores "
          + "\(Format.si(Double(step.streamingStoreBytesPerIPU), "B")), all-reduces "
          + "\(Format.si(Double(step.allReduceBytesPerIPU), "B")), gathers "
          + Format.si(Double(step.allGatherBytesPerIPU), "B")
      ),
    ])
    let causes = BarChart(
      step.time.parts.filter { $0.seconds > 0 }.map {
        .init($0.name, $0.seconds, label: seconds($0.seconds))
      })
    var table = Table([
      .init("phase"), .init("runs", .right), .init("seconds", .right), .init("compute", .right),
      .init("streaming", .right), .init("collective", .right), .init("other", .right),
    ])
    for phase in step.phases {
      let time = phase.time
      table.add(
        [phase.name, "\(phase.count)"]
          + [
            phase.seconds, time.compute, time.streaming, time.collective,
            time.vector + time.exchange + time.host,
          ].map { Format.fixed($0, 3) })
    }
    return split + indented(causes.text()) + indented(table.text())
  }

  private func job() -> String {
    let job = estimate.job
    return lines([
      (
        "time",
        "compile \(duration(job.compileSeconds)) + load \(duration(job.loadSeconds)) + \(job.steps) "
          + "steps \(duration(job.stepsSeconds)) + \(job.checkpoints.count) checkpoints "
          + "\(duration(job.checkpoints.seconds)) + evaluation \(duration(job.evaluation?.seconds ?? 0))"
      ),
      (
        "total",
        "\(duration(job.totalSeconds)) (\(duration(job.totalSecondsLow)) to "
          + "\(duration(job.totalSecondsHigh))), \(Format.dollars(job.costUSD)) at "
          + "\(Format.dollars(job.usdPerHour)) per hour"
      ),
      ("price", topology.priceSource),
    ])
  }

  private func measured(_ run: RealRun) -> String {
    let model = run.trainer.step.model
    let plan = run.trainer.step.plan
    let median = run.medianUpdate.measured
    let pod = run.modelled(on: topology)
    let total = median.computeSeconds + median.collectiveSeconds + median.waitSeconds
    var pairs = [
      (
        "model",
        "\(model.layers) layers x \(model.hiddenSize), \(model.heads) heads, vocabulary "
          + "\(model.vocabularySize); \(plan.globalBatchSize) sequences of \(model.sequenceLength), "
          + "TP \(plan.tensorParallel) x DP \(plan.dataParallel)"
      ),
      (
        "host",
        "\(run.setup.host.cpuModel), \(run.trainer.emulator.workerCount) workers"
          + (run.setup.arePinned ? " pinned" : "") + ", peak "
          + Format.si(run.peakFlopsPerSecond, "FLOP/s", digits: 3)
      ),
      (
        "training",
        "\(run.updates.count) steps, loss \(Format.fixed(run.updates[0].loss, 3)) -> "
          + Format.fixed(run.updates[run.updates.count - 1].loss, 3)
      ),
      (
        "step",
        "\(seconds(run.stepSeconds)), \(Format.grouped(Int(Double(run.tokensPerStep) / run.stepSeconds))) "
          + "tokens/s, \(Format.percent(run.shareOfPeak)) of the host's peak"
      ),
      (
        "split",
        "compute \(Format.percent(median.computeSeconds / total)), collectives "
          + "\(Format.percent(median.collectiveSeconds / total)), waiting "
          + Format.percent(median.waitSeconds / total)
      ),
      (
        "on the pod",
        "the same small step is modelled at \(seconds(pod.seconds)) "
          + "(\(seconds(pod.secondsLow)) to \(seconds(pod.secondsHigh)))"
      ),
    ]
    if let note = run.note { pairs.append(("note", note)) }
    pairs += run.setup.refusals.map { ("refused", $0) }
    return lines(pairs)
  }

  private func seconds(_ value: Double) -> String {
    value < 1 ? "\(Format.fixed(value * 1000, 1)) ms" : "\(Format.fixed(value, 1)) s"
  }
  private func duration(_ value: Double) -> String { Format.duration(seconds: value) }
  private func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "  " + $0 }.joined(separator: "\n")
  }
}
