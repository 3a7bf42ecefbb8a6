import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("An explanation says where a step's time goes")
struct ExplanationTests {
  @Test("Its operations add up to the step, the dearest first")
  func sums() throws {
    let program = try trainingStep()
    let (explanation, step) = (
      try estimator().explain(program), try estimator().estimate(program)
    )
    #expect(isWithin(1e-9, explanation.seconds, of: step.seconds))
    #expect(isWithin(1e-9, explanation.entries.reduce(0) { $0 + $1.share }, of: 1))
    let seconds = explanation.entries.map(\.seconds)
    #expect(seconds == seconds.sorted(by: >))
    var operations = 0
    program.forEachOperation { _, _, repetitions in operations += repetitions }
    #expect(explanation.entries.reduce(0) { $0 + $1.count } == operations)
  }

  @Test("What is known to bind an operation is what is said to")
  func bounds() throws {
    let entries = try estimator().explain(trainingStep()).entries
    func bounds(_ operation: String) -> Set<Explanation.Bound> {
      Set(entries.filter { $0.operation == operation }.map(\.bound))
    }
    #expect(entries.first?.bound == .link)
    #expect(bounds("all_reduce_sum_tensor").contains(.link))
    #expect(bounds("matmul") == [.compute])
    #expect(bounds("load") == [.streamingMemory])
    #expect(bounds("gelu") == [.sram])
    #expect(bounds("hostLoad") == [.host])
    #expect(entries.allSatisfy { !$0.remedy.isEmpty })
  }

  @Test("Faster links move what they bind, until its supersteps bind it")
  func moved() throws {
    let program = try trainingStep()
    func first(_ rate: Double) throws -> Explanation.Entry {
      let explanation = try estimator("pod16") { $0.links.bytesPerSecondPerLink = rate }
        .explain(program)
      return try #require(
        explanation.entries.first { $0.operation == "all_reduce_sum_tensor" })
    }
    let (slow, fast) = (try first(16e9), try first(1e12))
    #expect(fast.seconds < slow.seconds / 5 && fast.share < slow.share)
    #expect(slow.remedy.contains("fewer bytes") && fast.remedy.contains("larger collectives"))
  }

  @Test("A gather that stands in for a ring says what would give it one")
  func gathers() throws {
    let entries = try estimator().explain(
      trainingStep(tensorParallel: 8, dataParallel: 2)
    ).entries
    let gather = try #require(entries.first { $0.operation == "reduce_scatter_data" })
    #expect(gather.remedy.contains("torus"))
  }
}
