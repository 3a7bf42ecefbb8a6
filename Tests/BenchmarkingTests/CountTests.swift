import GPTJ
import Program
import Regression
import Testing

@testable import Benchmarking

@Suite("Counts")
struct CountTests {
  @Test(
    "of kernels are what closed formulae say",
    arguments: [
      ("kernels/gemm", "flops", 4 * 2 * 512 * 512 * 512),
      ("kernels/gemm_odd", "flops", 24 * 2 * 129 * 257 * 513),
      ("kernels/few_rows_odd", "flops", 512 * 2 * 3 * 413 * 65),
      ("kernels/gelu", "elements", 4 * 1024 * 1024),
      ("kernels/layer_norm_odd", "elements", 4 * 3 * 517 * 771),
      ("kernels/cross_entropy_odd", "elements", 4 * 3 * 129 * 3151),
      ("kernels/tree_reduction_odd", "elements", 8 * 7 * 99_991),
      ("kernels/adamw", "elements", 2 << 20),
      // The blocks on the diagonal whole, those above it not at all: 8 x 9 / 2 blocks of 32 x 32.
      ("kernels/attention_forward", "flops", 4 * 4 * 4 * 64 * 36 * 32 * 32),
      ("kernels/attention_backward", "flops", 2 * 4 * 10 * 64 * 36 * 32 * 32),
      // Payload: every rank's buffer.
      ("collectives/all_reduce_odd", "collective_bytes", 8 * 7 * 99_991 * 4),
      ("collectives/all_gather", "collective_bytes", 8 * 4 * (1 << 18) * 4),
      ("collectives/broadcast", "collective_calls", 8),
    ])
  func kernels(name: String, metric: String, expected: Int) throws {
    #expect(try counts(of: name)[metric] == Double(expected))
  }

  @Test("of a step are the Program's, over all ranks, but for what is knowingly skipped")
  func step() throws {
    let counts = try counts(of: "emulator/step_tp4_dp2_odd")
    let model = GPTJModel(
      layers: 2, hiddenSize: 144, heads: 16, vocabularySize: 416, sequenceLength: 37,
      rotarySize: 4)
    let plan = try ParallelPlan.spread(
      8, over: 2, tensorParallel: 4, microBatchSize: 2, model: model)
    let program = try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float32
    ).program()
    let stated = program.work * 8
    // Of the squares of 37 x 37 scores, 32 x 5 above the diagonal: 2 products forward, twice since
    // recomputed, and 5 backward, 9 values of a head, all 16 heads, 2 layers and 8 sequences.
    let skipped = 2 * 9 * 9 * 32 * 5 * 16 * 2 * 8
    #expect(counts["flops"] == Double(stated.flops - skipped))
    // Of what the Program loads and stores nothing is copied.
    #expect(counts["load_bytes"] == 0)
    #expect(counts["store_bytes"] == 0)
    #expect(counts["collective_calls"] == Double(calls(of: program)))
    #expect(counts["collective_bytes"] ?? 0 > 0)
    #expect(counts["lowered_instructions"] ?? 0 > counts["program_statements"] ?? .infinity)
  }

  @Test("are those of every benchmark, whose names are unique and say their suite")
  func table() throws {
    let names = Benchmark.all.map(\.name)
    #expect(Set(names).count == names.count)
    let suites = Set(Benchmark.all.map(\.suite))
    #expect(
      suites == [
        "kernels", "collectives", "emulator", "estimate", "plans", "tokenizer", "checkpoint",
      ])
    for benchmark in Benchmark.all where benchmark.suite != "plans" {
      let (_, prepared) = try benchmark.prepared()
      #expect(prepared.counts.contains { $0.kind == .count && $0.samples[0] > 0 })
      #expect(prepared.secondsPerIteration > 0)
      #expect(Set(prepared.counts.map(\.name)).count == prepared.counts.count)
    }
  }

  /// Collectives of one rank, counted one by one.
  private func calls(of program: Program) -> Int {
    var calls = 0
    program.forEachOperation { operation, _, repetitions in
      if case .collective = operation.kind { calls += repetitions }
    }
    return calls
  }

  private func counts(of name: String) throws -> [String: Double] {
    let benchmark = try #require(Benchmark.all.first { $0.name == name })
    let counts = try benchmark.prepared().1.counts
    return [String: Double](uniqueKeysWithValues: counts.map { ($0.name, $0.samples[0]) })
  }
}
