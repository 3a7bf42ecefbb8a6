import CostModel
import GPTJ
import Program
import Testing

/// B sequences, s tokens, L layers, h width, V vocabulary, a heads, t ranks.
///
/// Sources: Narayanan et al. 2021 (FLOPs), Korthikanti et al. 2022 (activations), Shoeybi et al. 2019
/// (all-reduces).
@Suite("Counts agree with Megatron's published formulae")
struct MegatronTests {
  private static let layers = 28
  private static let (h, a, V) = (4096.0, 16.0, 50400.0)

  private func program(
    _ recompute: ParallelPlan.Recompute, tensorParallel: Int = 16, sequence: Int = 1024
  ) throws -> Program {
    var model = gptj6B
    model.sequenceLength = sequence
    var plan = try ParallelPlan.spread(
      128, over: 1, tensorParallel: tensorParallel, microBatchSize: 1, model: model)
    plan.recompute = recompute
    return try TrainingStep(
      model: model, plan: plan,
      optimizer: TrainingStep.Optimizer(
        adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
        gradientClipping: 1),
      elementType: .float16
    ).program()
  }

  /// Their attention keeps its probabilities; ours computes the scores once more, 2 B s s h a layer.
  @Test(
    "FLOPs: 72 B s L h h (1 + s/6h + V/12Lh), and 96 ... (1 + s/6h + V/16Lh) with recomputation",
    arguments: [512.0, 1024, 2048])
  func flops(_ s: Double) throws {
    let (B, L) = (128.0, Double(Self.layers))
    let (h, V) = (Self.h, Self.V)
    let scores = L * 2 * B * s * s * h
    let kept = 72 * B * s * L * h * h * (1 + s / (6 * h) + V / (12 * L * h)) + scores
    let recomputed = 96 * B * s * L * h * h * (1 + s / (6 * h) + V / (16 * L * h)) + scores
    for (plan, expected) in [(ParallelPlan.Recompute.none, kept), (.full, recomputed)] {
      let flops = try program(plan, sequence: Int(s)).work.flops
      #expect(isWithin(1e-9, Double(flops) * 16, of: expected), "\(plan)")
    }
  }

  /// Of their 10 + 24/t, the 24/t are kept as they are.
  ///
  /// Of the 10, GPT-J has one layer norm and one
  /// input: x (2) is sharded over the ranks, the norm's output (2) computed again, and both dropout
  /// masks (2) drawn again: 26 / t, and the attention's log-sum-exp, 4 a / h t.
  @Test("Activations of a layer: s b h 26/t kept, s b h 2/t recomputed", arguments: [4, 8, 16])
  func activations(_ t: Int) throws {
    let (kept, recomputed) = (
      try program(.none, tensorParallel: t), try program(.full, tensorParallel: t)
    )
    let (s, B, L) = (1024.0, 128.0, Double(Self.layers))
    let more = Double(kept.streamingBytes - recomputed.streamingBytes) / (L * B)
    #expect(isWithin(1e-9, more, of: (s * Self.h * 24 + 4 * s * Self.a) / Double(t)))
    let x = try #require(recomputed.tensor(named: "x"))
    let bytes = Double(recomputed[x].bytes * recomputed[x].instanceCount)
    #expect(isWithin(1e-9, bytes, of: (L + 1) * B * 2 * s * Self.h / Double(t)))
  }

  @Test("A layer all-reduces its activations twice forward and twice backward, 2 b s h bytes each")
  func communication() throws {
    let work = try program(.full).work
    let layers = 128 * 4 * Double(Self.layers) * 2 * 1024 * Self.h
    // The embedding's and the head's are two more; the loss has small ones.
    let ends = 128 * 2.0 * 2 * 1024 * Self.h
    let small = 128 * 2.0 * 1024 * 4
    #expect(
      isWithin(
        1e-9, Double(work.collectives.bytes(.allReduceSum, .tensor)), of: layers + ends + small))
  }
}
