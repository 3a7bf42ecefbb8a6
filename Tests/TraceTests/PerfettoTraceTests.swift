import CostModel
import Emulator
import Foundation
import GPTJ
import Program
import Testing
import Topology
import Trace

@Suite("A timeline for Perfetto")
struct PerfettoTraceTests {
  /// The Trace Event Format, as far as it is used.
  private struct Document: Decodable {
    let displayTimeUnit: String
    let traceEvents: [Event]
  }

  private struct Event: Decodable {
    let name: String
    let ph: String
    let pid: Int
    let tid: Int
    let ts: Double?
    let dur: Double?
    let args: [String: Value]
  }

  private enum Value: Decodable, Equatable {
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    var number: Double? { if case .number(let value) = self { value } else { nil } }
  }

  private func step() throws -> Program {
    let model = GPTJModel(
      layers: 2, hiddenSize: 48, heads: 8, vocabularySize: 101, sequenceLength: 9, rotarySize: 4)
    return try TrainingStep(
      model: model,
      plan: .spread(4, over: 2, tensorParallel: 4, microBatchSize: 1, model: model),
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float32
    ).program()
  }

  private func decode(_ trace: PerfettoTrace) throws -> [Event] {
    let document = try JSONDecoder().decode(Document.self, from: Data(trace.text().utf8))
    #expect(document.displayTimeUnit == "ms")
    return document.traceEvents
  }

  /// One named process and its phases in order, one after the other without gaps.
  private func check(
    _ events: [Event], process: Int, phases: [(name: String, seconds: Double)]
  ) throws {
    let own = events.filter { $0.pid == process }
    let title = try #require(own.first)
    #expect(title.name == "process_name" && title.ph == "M")
    let spans = own.dropFirst()
    #expect(spans.map(\.name) == phases.map(\.name))
    var end = 0.0
    for (span, phase) in zip(spans, phases) {
      #expect(span.ph == "X" && span.tid == 0)
      let (start, duration) = (try #require(span.ts), try #require(span.dur))
      #expect(abs(start - end) <= 1e-9 * max(1, end))
      #expect(abs(duration - phase.seconds * 1e6) <= 1e-9 * max(1, duration))
      end = start + duration
    }
  }

  @Test("An empty trace is a document without events")
  func empty() throws {
    #expect(try decode(PerfettoTrace()).isEmpty)
  }

  @Test("Modelled and measured phases stand in two processes, each as long as it took")
  func both() throws {
    let program = try step()
    let estimate = Estimator(try PodTopology.named("pod16")).estimate(program)
    let emulator = try Emulator(program, Emulator.Options(workers: 2))
    let schedule = try #require(program.tensor(named: TrainingStep.HostTensor.schedule))
    emulator.memory(of: schedule, rank: 0).bindMemory(to: Float.self)[1] = 1  // the step's number
    let measured = emulator.run()
    var trace = PerfettoTrace()
    trace.add(estimate)
    trace.add(measured)
    let events = try decode(trace)
    #expect(events.count == 2 * (1 + program.phaseNames.count))
    try check(
      events, process: 1, phases: estimate.phases.map { ($0.name, $0.seconds) })
    try check(
      events, process: 2,
      phases: measured.phases.map {
        ($0.name, ($0.computeSeconds + $0.collectiveSeconds + $0.waitSeconds) / 2)
      })
    #expect(events[0].args["name"] == .text("modelled: training_step on the pod"))
  }

  @Test("A modelled phase's causes add up to its length")
  func causes() throws {
    let estimate = Estimator(try PodTopology.named("pod16")).estimate(try step())
    var trace = PerfettoTrace()
    trace.add(estimate)
    let spans = try decode(trace).filter { $0.ph == "X" }
    #expect(!spans.isEmpty)
    for span in spans {
      #expect(span.args.keys.allSatisfy { $0.hasSuffix("_seconds") })
      let sum = span.args.values.reduce(0) { $0 + ($1.number ?? .nan) }
      let seconds = try #require(span.dur) / 1e6
      #expect(abs(sum - seconds) <= 1e-9 * seconds)
    }
  }
}
