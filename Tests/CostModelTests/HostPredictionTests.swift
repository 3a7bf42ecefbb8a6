import GPTJ
import Program
import Testing
import Topology

@testable import CostModel

/// A hand-made host whose every figure is known.
@Suite struct HostPredictionTests {
  /// All rates the same, but for what `rates` names; no table has more than one entry.
  private static func host(
    _ rates: [MeasuredHost.Kind: Double] = [:], bfloat16: [MeasuredHost.Kind: Double] = [:],
    others: Double = 1e18, barrier: Double = 0, instruction: Double = 0
  ) -> MeasuredHost {
    MeasuredHost(
      name: "hand-made", measured: "", version: "", cores: 2, numaNodes: 1, memoryBytes: 1,
      peakFlopsPerSecond: 1, peakFlopsPerSecondOfAllCores: 2, memoryBytesPerSecond: 1,
      memoryBytesPerSecondOfAllCores: 1, barrierSeconds: barrier, instructionSeconds: instruction,
      disk: nil,
      tables: [("float32", rates), ("bfloat16", bfloat16)].flatMap { type, rates in
        MeasuredHost.Kind.allCases.map { kind in
          MeasuredHost.Table(
            kind: kind, elementType: type, axes: kind.axes.map { _ in [1] },
            rates: [rates[kind] ?? others])
        }
      })
  }

  private static func program(
    tensorParallel: Int = 1, dataParallel: Int = 1, sequence: Int = 64,
    elementType: ElementType = .float32
  ) throws -> Program {
    let model = GPTJModel(
      layers: 2, hiddenSize: 64, heads: 16, vocabularySize: 128, sequenceLength: sequence,
      rotarySize: 4)
    let plan = try ParallelPlan.spread(
      8, over: dataParallel, tensorParallel: tensorParallel, microBatchSize: 1, model: model)
    let adamW = Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0)
    return try TrainingStep(
      model: model, plan: plan, optimizer: .init(adamW: adamW, gradientClipping: 1),
      elementType: elementType
    ).program()
  }

  /// FLOPs of all ranks' products: the same for all, each done once.
  private static func productFlops(_ program: Program) -> Double {
    var flops = 0
    program.forEachOperation { operation, _, repetitions in
      guard case .matmul = operation.kind else { return }
      flops += program.work(of: operation).flops * repetitions
    }
    return Double(flops * program.mesh.ranks)
  }

  @Test(arguments: [(1, 1), (4, 1), (2, 4), (16, 1)])
  func `With one rate of products a step takes their FLOPs over it, shared by two workers`(
    tensorParallel: Int, dataParallel: Int
  ) throws {
    let program = try Self.program(tensorParallel: tensorParallel, dataParallel: dataParallel)
    let host = Self.host([
      .matmulForward: 1e9, .matmulInputGradient: 1e9, .matmulWeightGradient: 1e9,
    ])
    let expected = Self.productFlops(program) / 1e9
    for workers in [1, 2] {
      let prediction = HostPrediction(of: program, on: host, workers: workers)
      #expect(abs(prediction.busySeconds * Double(workers) / expected - 1) < 1e-6)
      #expect(abs((prediction.secondsByKind["matmul"] ?? 0) / expected - 1) < 1e-6)
    }
  }

  /// Matrices in bfloat16; norms of their gradients, which add up in float32, in float32.
  @Test(arguments: [(1, 1), (4, 2)])
  func `An operation takes the rate of its matrices' type`(
    tensorParallel: Int, dataParallel: Int
  ) throws {
    let program = try Self.program(
      tensorParallel: tensorParallel, dataParallel: dataParallel, elementType: .bfloat16)
    func seconds(_ host: MeasuredHost, _ kind: Operation.Kind) throws -> Double {
      try #require(HostPrediction(of: program, on: host, workers: 1).secondsByKind[kind.name])
    }
    let products = Self.host(bfloat16: [
      .matmulForward: 1e9, .matmulInputGradient: 1e9, .matmulWeightGradient: 1e9,
    ])
    let expected = Self.productFlops(program) / 1e9
    #expect(
      abs(
        try seconds(products, .matmul(transposeA: false, transposeB: true, accumulate: false))
          / expected - 1) < 1e-6)
    #expect(try seconds(Self.host(bfloat16: [.gelu: 1e6]), .gelu) > 1e-3)
    #expect(try seconds(Self.host([.gelu: 1e6]), .gelu) < 1e-6)
    #expect(try seconds(Self.host([.sumOfSquares: 1e6]), .sumOfSquares) > 1e-3)
    #expect(try seconds(Self.host(bfloat16: [.sumOfSquares: 1e6]), .sumOfSquares) < 1e-6)
  }

  @Test func `Elements that ranks have in common are passed over once`() throws {
    for (tensorParallel, dataParallel) in [(1, 1), (4, 1), (2, 2)] {
      let program = try Self.program(tensorParallel: tensorParallel, dataParallel: dataParallel)
      let prediction = HostPrediction(of: program, on: Self.host([.add: 1e6]), workers: 1)
      var elements = 0
      program.forEachOperation { operation, _, repetitions in
        guard case .add = operation.kind else { return }
        // Residuals are the same over a tensor-parallel group.
        elements += program.work(of: operation).elements * repetitions * dataParallel
      }
      #expect(elements > 0)
      #expect(abs(prediction.busySeconds / (Double(elements) / 1e6) - 1) < 1e-6)
    }
  }

  @Test func `What one lane does alone is not shared by workers`() throws {
    let program = try Self.program()
    let host = Self.host([.crossEntropyLoss: 1e6])
    let (one, two) = (
      HostPrediction(of: program, on: host, workers: 1),
      HostPrediction(of: program, on: host, workers: 2)
    )
    #expect(one.busySeconds > 0)
    #expect(abs(one.busySeconds / two.busySeconds - 1) < 1e-6)
  }

  @Test func `Waits cost what the host says, and one worker has none`() throws {
    let program = try Self.program(tensorParallel: 2)
    let host = Self.host(barrier: 0.25)
    let one = HostPrediction(of: program, on: host, workers: 1)
    let two = HostPrediction(of: program, on: host, workers: 2)
    #expect(one.waits == 0 && one.seconds == one.busySeconds)
    #expect(two.waits > 10 && two.seconds == two.busySeconds + 0.25 * Double(two.waits))
  }

  @Test func `More workers than lanes are as good as one for each lane`() throws {
    let prediction = HostPrediction(of: try Self.program(), on: Self.host(), workers: 1000)
    #expect(prediction.workers == 16)
  }

  @Test func `Memory that was touched long ago is read at its own rate`() throws {
    let program = try Self.program()
    var host = Self.host()
    let index = try #require(host.tables.firstIndex { $0.kind == .adamW })
    host.tables[index] = MeasuredHost.Table(
      kind: .adamW, elementType: "float32", axes: [[1], [1, 1 << 40]], rates: [1e9, 1e3])
    let slow = HostPrediction(of: program, on: host, workers: 1).busySeconds
    let fast = HostPrediction(of: program, on: Self.host([.adamW: 1e9]), workers: 1).busySeconds
    #expect(slow > 2 * fast)
  }
}
