@testable import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("The estimate responds to machine and job as the structure says")
struct StructureTests {
  @Test("Phases and causes both add up to the step")
  func sums() throws {
    let estimate = try estimator().estimate(trainingStep())
    #expect(isWithin(1e-9, estimate.phases.reduce(0) { $0 + $1.seconds }, of: estimate.seconds))
    #expect(
      isWithin(1e-9, estimate.time.parts.reduce(0) { $0 + $1.seconds }, of: estimate.seconds))
    #expect(estimate.bound.cause == "collective")
    #expect(estimate.phases.reduce(0) { $0 + $1.work.flops } == estimate.flopsPerIPU)
  }

  @Test("Halving the links' bandwidth nearly doubles the collectives, and nothing else")
  func links() throws {
    let program = try trainingStep()
    let whole = try estimator().estimate(program).time
    let half = try estimator { $0.links.bytesPerSecondPerLink /= 2 }.estimate(program).time
    #expect((1.85...2).contains(half.collective / whole.collective))
    #expect(half.compute == whole.compute && half.streaming == whole.streaming)
  }

  @Test("A slower memory, a slower clock or fewer tiles make a slower step")
  func machine() throws {
    let program = try trainingStep()
    let base = try estimator().estimate(program).seconds
    for change: (inout PodTopology) -> Void in [
      { $0.machine.streamingBytesPerSecondPerIPU /= 2 }, { $0.ipu.clockHertz /= 2 },
      { $0.ipu.tiles /= 2 }, { $0.machine.hostLinkBytesPerSecond /= 2 },
    ] {
      #expect(try estimator("pod16", change).estimate(program).seconds > base)
    }
    #expect(try estimator("pod16-classic").estimate(program).seconds > base)
  }

  @Test("Shorter sequences, fewer layers and more replicas make a faster step")
  func job() throws {
    let base = try estimator().estimate(trainingStep()).seconds
    var short = gptj6B
    short.sequenceLength = 512
    var shallow = gptj6B
    shallow.layers = 14
    #expect(try estimator().estimate(trainingStep(short)).seconds < 0.7 * base)
    #expect(try estimator().estimate(trainingStep(shallow)).seconds < 0.55 * base)
    let pod64 = try estimator("pod64").estimate(trainingStep(dataParallel: 4)).seconds
    #expect((base / 4...base / 3).contains(pod64))
  }

  @Test("Single precision computes slower than half")
  func precision() throws {
    let half = try estimator().estimate(trainingStep())
    let single = try estimator().estimate(trainingStep(elementType: .float32))
    #expect(single.time.compute > 2 * half.time.compute)
    #expect(single.time.collective > 1.9 * half.time.collective)
  }

  @Test("An all-reduce goes round twice, a gather once; without a ring everyone's operand arrives")
  func collectives() throws {
    let machine = Machine(try PodTopology.named("pod16"), ioTiles: 128)
    let mesh = Mesh(tensorParallel: 4, dataParallel: 4)
    let reduce = machine.route(.allReduceSum, .tensor, of: mesh, bufferBytes: 4000)
    #expect(reduce.bytes == 6000 && reduce.steps == 6 && reduce.scratchBytes == 0)
    #expect(isWithin(1e-12, reduce.seconds, of: 6000 / 32e9))
    let gather = machine.route(.allGather, .tensor, of: mesh, bufferBytes: 4000)
    #expect(gather.bytes == 3000 && gather.steps == 3)
    // A mesh has no ring over every fourth IPU.
    let strided = machine.route(.allReduceSum, .data, of: mesh, bufferBytes: 4000)
    #expect(strided.bytes == 15 * 4000 && strided.scratchBytes == 16 * 4000)
    let stridedGather = machine.route(.allGather, .data, of: mesh, bufferBytes: 4000)
    #expect(stridedGather.bytes == 15 * 1000)
    let torus = Machine(try PodTopology.named("pod64"), ioTiles: 128)
    let filled = torus.route(
      .reduceScatter, .data, of: Mesh(tensorParallel: 16, dataParallel: 4), bufferBytes: 4000)
    #expect(filled.bytes == 3000)
    #expect(isWithin(1e-12, filled.seconds, of: 3000 / 4e9))
  }

  @Test("Across racks each IPU reduces its part of the buffer over the gateway links")
  func racks() throws {
    let machine = Machine(try PodTopology.named("pod256"), ioTiles: 128)
    let mesh = Mesh(tensorParallel: 16, dataParallel: 16)
    let reduce = machine.route(.allReduceSum, .data, of: mesh, bufferBytes: 4_000_000)
    // A ring over 4 in the rack at stride 16, then one over 4 racks with a quarter of the bytes.
    #expect(isWithin(1e-12, reduce.bytes, of: 6e6 + 1.5e6))
    #expect(isWithin(1e-12, reduce.seconds, of: 6e6 / 4e9 + 1.5e6 / 6.25e9))
    #expect(reduce.steps == 12)
  }

  @Test("Tensor parallelism changes a collective by (n - 1) / n", arguments: [2, 4, 8])
  func tensorParallel(_ width: Int) throws {
    func wire(_ width: Int) throws -> Double {
      try estimator().estimate(trainingStep(tensorParallel: width)).allReduceWireBytesPerIPU
    }
    let expected = (Double(width - 1) / Double(width)) / (15.0 / 16)
    #expect(isWithin(1e-3, try wire(width) / wire(16), of: expected))
  }

  @Test("Data parallelism divides products and activations; a quarter of the batch, a quarter")
  func dataParallel() throws {
    let one = try estimator("pod64").estimate(trainingStep()).time
    let four = try estimator("pod64").estimate(trainingStep(dataParallel: 4)).time
    #expect(isWithin(1e-6, one.compute / four.compute, of: 4))
    // The weights' bytes are sharded over the replicas, the activations' follow the batch.
    #expect(isWithin(0.02, one.streaming / four.streaming, of: 4))
    // Gathering and reducing the layers' weights comes on top.
    #expect((3...4).contains(one.collective / four.collective))
  }

  @Test("Twice the sequence: twice the collectives, and more than twice the products")
  func sequence() throws {
    var long = gptj6B
    long.sequenceLength = 2048
    let (base, twice) = (
      try estimator().estimate(trainingStep()), try estimator().estimate(trainingStep(long))
    )
    #expect((1.9...2).contains(twice.time.collective / base.time.collective))
    // Products of layers double, of attention quadruple; larger ones are more efficient.
    #expect((1.7...2.2).contains(twice.time.compute / base.time.compute))
  }

  @Test("A clock that is half as fast halves all that happens on the tiles")
  func clock() throws {
    let program = try trainingStep()
    let base = try estimator().estimate(program).time
    let slow = try estimator { $0.ipu.clockHertz /= 2 }.estimate(program).time
    #expect(isWithin(1e-9, slow.compute, of: 2 * base.compute))
    #expect(isWithin(1e-9, slow.vector, of: 2 * base.vector))
    #expect(isWithin(1e-9, slow.exchange, of: 2 * base.exchange))
    #expect(slow.collective == base.collective && slow.streaming == base.streaming)
  }

  @Test("Products with less memory take longer and need less; with single partials longer, too")
  func proportion() throws {
    func plan(_ proportion: Double, _ partials: Estimator.Partials = .half) throws -> MatmulPlan {
      MatmulPlan(
        rows: 1024, inner: 4096, columns: 3150, .float16,
        on: Machine(
          try PodTopology.named("pod16"), ioTiles: 128, availableMemoryProportion: proportion,
          partials: partials))
    }
    let plans = try [0.6, 0.4, 0.2, 0.1, 0.05].map { try plan($0) }
    for (more, less) in zip(plans, plans.dropFirst()) {
      #expect(less.seconds >= more.seconds)
      #expect(less.scratchBytesPerTile <= more.scratchBytesPerTile)
    }
    #expect(plans[4].seconds > 1.1 * plans[0].seconds)
    #expect(isWithin(1e-9, plans[4].scratchBytesPerTile, of: 0.5 * 0.05 * 624 * 1024))
    #expect(try plan(0.6, .single).seconds > 1.2 * plans[0].seconds)
  }

  @Test("Attention in more blocks needs less memory and takes longer")
  func serialisation() throws {
    var model = gptj6B
    model.sequenceLength = 4096
    func step(_ blocks: Int) throws -> Program {
      var plan = try ParallelPlan.spread(
        128, over: 1, tensorParallel: 16, microBatchSize: 1, model: model)
      plan.attentionSerialisation = blocks
      return try TrainingStep(
        model: model, plan: plan,
        optimizer: TrainingStep.Optimizer(
          adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
          gradientClipping: 1),
        elementType: .float16
      ).program()
    }
    let estimator = try estimator()
    let (whole, blocks) = (try step(1), try step(8))
    #expect(
      estimator.memory(of: whole).sramPeakBytesPerIPU
        > estimator.memory(of: blocks).sramPeakBytesPerIPU)
    #expect(estimator.seconds(blocks) > estimator.seconds(whole))
  }

  @Test("The head in more chunks needs less memory and takes longer, to the same numbers")
  func headSerialisation() throws {
    func step(_ chunks: Int) throws -> Program {
      var plan = try ParallelPlan.spread(
        128, over: 1, tensorParallel: 4, microBatchSize: 4, model: gptj6B)
      plan.headSerialisation = chunks
      return try TrainingStep(
        model: gptj6B, plan: plan,
        optimizer: TrainingStep.Optimizer(
          adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
          gradientClipping: 1),
        elementType: .float16
      ).program()
    }
    let estimator = try estimator()
    let (whole, chunks) = (try step(1), try step(8))
    func peak(_ program: Program) throws -> Liveness.Peak {
      try #require(program.liveness().phases.first { $0.phase == "head" })
    }
    let logits = 4 * 1024 * 50400 / 4 * 2
    let saved = try peak(whole).bytes - peak(chunks).bytes
    // Where the chunks are done, the whole gradient of the norm is there twice.
    #expect(saved > logits / 2 && saved < logits)
    #expect(estimator.seconds(chunks) > estimator.seconds(whole))
    #expect(estimator.seconds(chunks) < 1.05 * estimator.seconds(whole))
    #expect(whole.work.flops == chunks.work.flops)
  }

  @Test(
    "The matmul curve goes through its points",
    arguments: [
      (1024, 4, 6.0), (1024, 1024, 120), (1024, 16384, 223), (2048, 256, 134), (4096, 64, 130),
      (8192, 256, 223), (8192, 4, 21.4),
    ])
  func points(_ size: Int, _ batch: Int, _ teraflops: Double) {
    let share = MatmulCurve.half.share(rows: size, inner: size, columns: batch)
    #expect(isWithin(1e-9, share, of: teraflops / 249.6))
    #expect(
      isWithin(1e-12, MatmulCurve.half.share(rows: batch, inner: size, columns: size), of: share))
  }

  @Test("A larger product never reaches a smaller share, and none more than the largest point")
  func monotonic() {
    for curve in [MatmulCurve.half, .single] {
      for size in [64, 300, 1024, 1500, 4096, 9000, 100_000] {
        var last = 0.0
        for batch in [1, 3, 16, 50, 64].map({ min($0, size) }) {
          let share = curve.share(rows: batch, inner: size, columns: size)
          #expect(share > 0 && share >= last && share < 1)
          last = share
        }
      }
    }
  }
}
