import Program
import Testing
import Transformers

/// What each block of a reference moves between IPUs and to streaming memory, by its own structure.
@Suite struct CollectiveTests {
  /// Of one layer and micro-batch.
  struct Case: CustomTestStringConvertible {
    let name: String
    let forwardReduces, backwardReduces, forwardGathers, backwardGathers: Int
    /// Slices of activations.
    let forwardMoves, backwardMoves: Int

    var testDescription: String { name }
  }

  static let cases = [
    // Graphcore examples, nlp/gpt_j/popxl: both recomputed closing reductions are dead.
    Case(
      name: "gpt-j", forwardReduces: 2, backwardReduces: 2, forwardGathers: 1,
      backwardGathers: 2, forwardMoves: 2, backwardMoves: 3),
    // nlp/gpt3_2.7B/popxl: the attention's is read by the second norm.
    Case(
      name: "gpt3-2.7b", forwardReduces: 2, backwardReduces: 3, forwardGathers: 1,
      backwardGathers: 2, forwardMoves: 2, backwardMoves: 3),
    // nlp/t5/popxl: cross-attention has two inputs, and its encoder's output is loaded too.
    Case(
      name: "flan-t5-xl", forwardReduces: 3, backwardReduces: 6, forwardGathers: 2,
      backwardGathers: 3, forwardMoves: 3, backwardMoves: 5),
  ]

  @Test(arguments: cases)
  func `A block has its reference's collectives, loads and stores`(_ item: Case) throws {
    let model = try described(item.name)
    let batches = 2
    let plan = ExecutionPlan(sequenceLength: 64, globalBatchSize: batches, tensorParallel: 8)
    let program = try PhasedTrainingStep(model: model, plan: plan).program()
    let times = model.layers * batches
    let activation = plan.tokens * model.hiddenSize * 2
    let stacks = model.hasCrossAttention ? ["encoder", "decoder"] : ["decoder"]
    for stack in stacks {
      for (pass, reduces, gathers, moves) in [
        ("forward", item.forwardReduces, item.forwardGathers, item.forwardMoves),
        ("backward", item.backwardReduces, item.backwardGathers, item.backwardMoves),
      ] {
        let phase = "\(stack)_\(pass)"
        let work = try #require(program.workByPhase.first { $0.phase == phase }).work
        #expect(
          work.collectives.bytes(.allReduceSum, .tensor) == times * reduces * activation, "\(phase)"
        )
        #expect(
          work.collectives.calls(.allGather, .tensor) == times * gathers, "\(phase)")
        // Weights once a layer, their gradients too, and for two stacks a mask twice a micro-batch.
        let table = WeightTable(model, tensorParallel: 8, attentionParallel: 8)
        let weights = (stack == "encoder" ? table.encoder : table.blocks).all
        let stored = weights.reduce(0) { $0 + $1.count.quotient($1.isReplicated ? 8 : 1) * 2 }
        let masks = model.hasCrossAttention ? 2 * plan.tokens * 2 : 0
        let expected =
          model.layers * stored * (pass == "forward" ? 1 : 2)
          + times * (moves * activation / 8 + masks)
        #expect(work.loadBytes + work.storeBytes == expected, "\(phase)")
      }
    }
  }

  @Test func `A generation pass of T5 runs both stacks for every token`() throws {
    let model = try described("flan-t5-xl")
    let plan = ExecutionPlan(
      task: .generation, sequenceLength: 64, microBatchSize: 4, globalBatchSize: 4,
      tensorParallel: 8)
    let work = try GenerationPass(model: model, plan: plan).program().work
    // Three in each of the blocks, and one in each embedding.
    let activation = plan.tokens * model.hiddenSize * 2
    #expect(
      work.collectives.bytes(.allReduceSum, .tensor) == (2 * model.layers * 3 + 2) * activation)
    #expect(work.collectives.calls(.allGather, .tensor) == 1)
    #expect(work.storeBytes == 0)
  }
}

extension Int {
  fileprivate func quotient(_ parts: Int) -> Int { (self + parts - 1) / parts }
}
