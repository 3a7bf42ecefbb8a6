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
    #expect((1.9...2).contains(half.collective / whole.collective))
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
    #expect(reduce.bytes == 6000 && reduce.steps == 6)
    let gather = machine.route(.allGather, .tensor, of: mesh, bufferBytes: 4000)
    #expect(gather.bytes == 3000 && gather.steps == 3)
    // A mesh has no ring over every fourth IPU.
    let strided = machine.route(.allReduceSum, .data, of: mesh, bufferBytes: 4000)
    #expect(strided.bytes == 15 * 4000)
    let stridedGather = machine.route(.allGather, .data, of: mesh, bufferBytes: 4000)
    #expect(stridedGather.bytes == 15 * 1000)
    let torus = Machine(try PodTopology.named("pod64"), ioTiles: 128)
    let filled = torus.route(
      .reduceScatter, .data, of: Mesh(tensorParallel: 16, dataParallel: 4), bufferBytes: 4000)
    #expect(filled.bytes == 3000)
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
    #expect(MatmulCurve.half.share(rows: batch, inner: size, columns: size) == share)
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
