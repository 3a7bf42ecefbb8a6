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
    var text = heading("Modelled, not measured: GPT-J on \(topology.name)") + facts()
    text += "\n" + heading("One step") + step()
    text += "\n" + heading("The job") + job()
    if let run { text += "\n" + heading("Measured on this host") + measured(run) }
    return text
  }

  private func heading(_ title: String) -> String { terminal.styled(title, .bold) + "\n" }

  /// Lines of a name and what is to say about it, wrapped at the terminal's width.
  private func lines(_ pairs: [(String, String)]) -> String {
    let width = pairs.map(\.0.count).max() ?? 0
    let margin = String(repeating: " ", count: width + 4)
    return pairs.map { name, value in
      let head = "  \(name)\(String(repeating: " ", count: width - name.count))  "
      return head
        + wrapped(value, columns: terminal.width.map { max(40, $0 - margin.count) })
        .joined(separator: "\n" + margin) + "\n"
    }.joined()
  }

  /// The text in lines of at most so many columns, broken at spaces.
  private func wrapped(_ text: String, columns: Int?) -> [String] {
    guard let columns else { return [text] }
    return text.split(separator: " ").reduce(into: []) { lines, word in
      if let last = lines.last, last.count + 1 + word.count <= columns {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
  }

  private func facts() -> String {
    let (model, plan, memory) = (estimate.model, estimate.plan, estimate.job.memory)
    var pairs = [
      (
        "pod",
        "\(topology.summary); \(Format.grouped(topology.ipu.tiles)) tiles at "
          + "\(Format.si(topology.ipu.clockHertz, "Hz"))"
      ),
      (
        "model",
        shape(model)
      ),
      (
        "plan",
        "\(plan.split), micro-batch \(plan.microBatchSize) x "
          + "\(plan.gradientAccumulation) accumulated: \(plan.globalBatchSize) sequences of "
          + "\(model.sequenceLength) tokens"
      ),
    ]
    if !plan.whatIfs.isEmpty {
      pairs.append(("with", plan.whatIfs.map(\.name).joined(separator: ", ")))
    }
    let verdict = memory.fits ? "fits" : terminal.styled("does not fit", .red)
    pairs.append(("memory", "\(verdict): \(memory.usage)"))
    pairs += memory.explanation.map { ("", $0) }
    return lines(pairs)
  }

  private func shape(_ model: GPTJModel) -> String {
    "\(count(model.layers, "layer")) of width \(model.hiddenSize), "
      + "\(count(model.heads, "head")), vocabulary \(model.vocabularySize): "
      + count(model.parameterCount, "parameter")
  }

  private func step() -> String {
    let step = estimate.job.step
    let split = lines([
      (
        "step",
        "\(seconds(step.seconds)) (\(seconds(step.secondsLow)) to \(seconds(step.secondsHigh))), "
          + "\(Format.grouped(Int(estimate.tokensPerSecond))) tokens/s"
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
    let phases = step.phaseTable(decimals: 3)
    return split + indented(causes.text(barWidth: 40)) + "\n" + indented(phases.text())
  }

  private func job() -> String {
    let job = estimate.job
    return indented(timeline(job).text())
      + lines([
        (
          "total",
          "\(duration(job.totalSeconds)) (\(duration(job.totalSecondsLow)) to "
            + "\(duration(job.totalSecondsHigh)))"
        ),
        (
          "host",
          "about \(Format.si(Double(job.compileHostBytes), "B", digits: 2)) of memory to compile, "
            + "\(Format.si(Double(job.loadHostBytes), "B", digits: 2)) to load"
        ),
        (
          "cost",
          "\(Format.dollars(job.costUSD)) at \(Format.dollars(job.usdPerHour)) per hour, "
            + topology.priceSource
        ),
      ])
  }

  /// The job's parts in whole seconds and cents, which add up as printed.
  private func timeline(_ job: JobEstimate) -> Table {
    var table = Table([.init("part"), .init("seconds", .right), .init("cost", .right)])
    let counts = ["steps": job.steps, "checkpoints": job.checkpoints.count]
    let timeline = job.timeline
    for part in timeline.parts {
      table.add([
        counts[part.name].map { "\(Format.grouped($0)) \(part.name)" } ?? part.name,
        Format.grouped(part.seconds), Format.dollars(Double(part.cents) / 100),
      ])
    }
    table.add([
      "total", Format.grouped(timeline.seconds), Format.dollars(Double(timeline.cents) / 100),
    ])
    return table
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
        shape(model)
      ),
      (
        "plan",
        "\(plan.split), \(plan.ranks) emulated IPUs: "
          + "\(plan.globalBatchSize) sequences of \(model.sequenceLength) tokens"
          + (plan.whatIfs.isEmpty
            ? "" : ", with \(plan.whatIfs.map(\.name).joined(separator: ", "))")
      ),
      (
        "host",
        "\(run.setup.host.cpuModel), \(count(run.trainer.emulator.workerCount, "worker"))"
          + (run.setup.arePinned ? " pinned" : "")
          + run.setup.choices.map { ", " + $0 }.joined() + ", measured peak "
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
        "of the ranks' time: compute \(Format.percent(median.computeSeconds / total)), collectives "
          + "\(Format.percent(median.collectiveSeconds / total)), waiting "
          + Format.percent(median.waitSeconds / total)
      ),
      (
        "on the pod",
        "\(topology.name) is modelled to take \(seconds(pod.seconds)) "
          + "(\(seconds(pod.secondsLow)) to \(seconds(pod.secondsHigh))) for this same small step"
      ),
    ]
    if let note = run.note { pairs.append(("note", note)) }
    pairs += run.setup.refusals.map { ("refused", $0) }
    return lines(pairs)
  }

  private func seconds(_ value: Double) -> String {
    value < 1
      ? "\(Format.fixed(value * 1000, 1)) ms" : "\(Format.fixed(value, 1, grouped: true)) s"
  }
  private func count(_ number: Int, _ name: String) -> String {
    "\(Format.grouped(number)) \(name)\(number == 1 ? "" : "s")"
  }
  private func duration(_ value: Double) -> String { Format.duration(seconds: value) }
  private func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "  " + $0 }.joined(separator: "\n")
  }
}
