import Checkpoints
import Configuration
import Emulator
import FineTuning
import GPTJ
import Program
import Testing

/// A fixture's model taken apart: frozen weights W0 and adapters with W0 + scale B A = W, so that
/// torch's loss and gradients of W say what the adapters' must be.
struct AdapterFixture {
  let fixture: Fixture
  let lora: LoRA

  init(
    _ name: String, rank: Int = 3, alpha: Double = 4.5,
    targets: [LoRA.Target] = LoRA.Target.allCases
  ) throws {
    fixture = try Fixture(name)
    lora = LoRA(rank: rank, alpha: alpha, targets: targets)
  }

  /// Any numbers that depend on the name alone.
  func adapter(_ name: String, count: Int) -> [Float] {
    let seed = name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
    return (0..<count).map { Float(((seed &+ $0) &* 7919) % 2001 - 1000) / 4000 }
  }

  func a(_ weight: String) throws -> [Float] {
    let names = try #require(lora.adapterNames(ofWeight: weight))
    return adapter(names.a, count: lora.rank * (try shape(weight)[1]))
  }

  func b(_ weight: String) throws -> [Float] {
    let names = try #require(lora.adapterNames(ofWeight: weight))
    return adapter(names.b, count: lora.rank * (try shape(weight)[0]))
  }

  func shape(_ weight: String) throws -> [Int] { try fixture.weights.shape(of: weight) }

  /// The value of any tensor of the run.
  func floats(of name: String) throws -> [Float] {
    if LoRA.isAdapter(name) {
      let weight = name.replacing(".lora_A", with: "").replacing(".lora_B", with: "")
      return try name.contains(".lora_A") ? a(weight) : b(weight)
    }
    let whole = try fixture.weights.floats(of: name)
    guard lora.adapterNames(ofWeight: name) != nil else { return whole }
    let (a, b) = (try a(name), try b(name))
    let columns = try shape(name)[1]
    return whole.indices.map { index in
      let (row, column) = (index / columns, index % columns)
      let update = (0..<lora.rank).reduce(0.0) {
        $0 + Double(b[row * lora.rank + $1]) * Double(a[$1 * columns + column])
      }
      return Float(Double(whole[index]) - lora.scale * update)
    }
  }

  /// dA = scale Bᵀ dW and dB = scale dW Aᵀ, with torch's dW.
  func gradients(ofWeight name: String) throws -> (a: [Float], b: [Float]) {
    let gradient = try fixture.gradients.floats(of: "grad." + name).map(Double.init)
    let (a, b) = (try a(name).map(Double.init), try b(name).map(Double.init))
    let (rows, columns, rank) = (try shape(name)[0], try shape(name)[1], lora.rank)
    var (dA, dB) = ([Double](repeating: 0, count: a.count), [Double](repeating: 0, count: b.count))
    for row in 0..<rows {
      for k in 0..<rank {
        for column in 0..<columns {
          let value = lora.scale * gradient[row * columns + column]
          dA[k * columns + column] += value * b[row * rank + k]
          dB[row * rank + k] += value * a[k * columns + column]
        }
      }
    }
    return (dA.map(Float.init), dB.map(Float.init))
  }

  func run(
    tensor: Int, data: Int, recompute: ParallelPlan.Recompute = .full, shares: Bool = true
  ) throws -> FixtureRun {
    try FixtureRun(
      fixture, tensorParallel: tensor, dataParallel: data, recompute: recompute,
      sharesReplicas: shares, lora: lora, floats)
  }
}

@Suite("Adapters are trained as torch would train them")
struct LoRAParityTests {
  @Test(
    "Loss and the gradients of all adapters agree with torch's by the chain rule, for every TP and DP",
    arguments: HuggingFaceParityTests.cases, HuggingFaceParityTests.plans)
  func gradients(name: String, plan: (tensor: Int, data: Int)) throws {
    let adapters = try AdapterFixture(name)
    let run = try adapters.run(
      tensor: plan.tensor, data: plan.data, recompute: plan.tensor == 4 ? .none : .full,
      shares: plan.tensor != 2)
    let frozen = run.transfer.read(run.transfer.parameters.ofModel, from: run.emulator)
    let (loss, norm, _) = try run.step(0)
    let expected = Double(try adapters.fixture.weights.floats(of: "loss")[0])
    #expect(abs(loss - expected) < 1e-5 * expected)

    let gradients = run.transfer.read(from: run.emulator, suffix: ".gradient")
    #expect(gradients.count == 12 * adapters.fixture.model.layers)
    var squares = 0.0
    for gradient in gradients {
      #expect(LoRA.isAdapter(gradient.name))
      let weight = gradient.name.replacing(".lora_A", with: "").replacing(".lora_B", with: "")
      let both = try adapters.gradients(ofWeight: weight)
      let reference = gradient.name.contains(".lora_A") ? both.a : both.b
      let error = relativeError(gradient.values, reference)
      #expect(error < 1e-5, "\(gradient.name): \(error)")
      squares += reference.reduce(0) { $0 + Double($1) * Double($1) }
    }
    #expect(abs(norm - squares.squareRoot()) < 1e-5 * norm)

    let after = run.transfer.read(run.transfer.parameters.ofModel, from: run.emulator)
    #expect(after.map(\.values) == frozen.map(\.values))
  }

  @Test("Each target alone has its gradients too", arguments: LoRA.Target.allCases, [1, 8])
  func alone(target: LoRA.Target, tensor: Int) throws {
    let adapters = try AdapterFixture("gptj-v403", rank: 1, targets: [target])
    let run = try adapters.run(tensor: tensor, data: 2)
    try run.step(0)
    let gradients = run.transfer.read(from: run.emulator, suffix: ".gradient")
    let stem = target.huggingFaceStem.replacing(".N.", with: ".0.")
    let expected = try adapters.gradients(ofWeight: stem + ".weight")
    #expect(gradients.map(\.name) == [stem + ".lora_A.weight", stem + ".lora_B.weight"])
    #expect(relativeError(gradients[0].values, expected.a) < 1e-5)
    #expect(relativeError(gradients[1].values, expected.b) < 1e-5)
  }

  @Test("The first update is AdamW's, with the gradients clipped to their own norm")
  func update() throws {
    let run = try AdapterFixture("gptj-v257", alpha: 18).run(tensor: 4, data: 2)
    let adapters = run.transfer.parameters.adapters.all
    let before = run.transfer.read(adapters, from: run.emulator)
    let norm = try run.step(1).norm
    let rate = Double(try run.fixture.updates.floats(of: "learning_rates")[1])
    let gradients = run.transfer.read(adapters, from: run.emulator, suffix: ".gradient")
    let after = run.transfer.read(adapters, from: run.emulator)
    #expect(norm > 1)
    for index in before.indices {
      let expected = zip(before[index].values, gradients[index].values).map { weight, gradient in
        // Its second step by the schedule: moments of one gradient, corrected for two.
        let clipped = Double(gradient) / norm
        let first = 0.1 * clipped / (1 - 0.81)
        let second = 0.001 * clipped * clipped / (1 - 0.999 * 0.999)
        return Float(
          -rate * (first / (second.squareRoot() + 1e-6) + 0.01 * Double(weight)))
      }
      let update = zip(after[index].values, before[index].values).map { $0 - $1 }
      let error = relativeError(update, expected)
      #expect(error < 1e-4, "\(before[index].name): \(error)")
    }
  }
}
