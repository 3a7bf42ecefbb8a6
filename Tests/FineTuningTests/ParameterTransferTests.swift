import Emulator
import FineTuning
import GPTJ
import Program
import Testing

@Suite("Parameters move between full tensors and shards")
struct ParameterTransferTests {
  private func step(_ vocabulary: Int, tensor: Int, data: Int) throws -> Emulator {
    let model = Self.model(vocabulary)
    return try Emulator(
      TrainingStep(
        model: model,
        plan: .spread(4, over: data, tensorParallel: tensor, microBatchSize: 1, model: model),
        optimizer: TrainingStep.Optimizer(
          adamW: Operation.AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0),
          gradientClipping: 1),
        elementType: .float32
      ).program(), Emulator.Options(workers: 1))
  }

  private static func model(_ vocabulary: Int) -> GPTJModel {
    GPTJModel(
      layers: 2, hiddenSize: 32, heads: 16, vocabularySize: vocabulary, sequenceLength: 2,
      rotarySize: 2)
  }

  /// All full tensors, every element of the model another number.
  private func numbered(_ transfer: ParameterTransfer) -> [String: [Float]] {
    var next = 1
    var tensors: [String: [Float]] = [:]
    for parameter in transfer.parameters.all {
      for layer in 0..<(parameter.isPerLayer ? transfer.model.layers : 1) {
        for name in parameter.huggingFaceNames {
          let count = parameter.fullShape.reduce(1, *)
          tensors[name.replacing(".N.", with: ".\(layer).")] = (next..<next + count).map(Float.init)
          next += count
        }
      }
    }
    precondition(next < 1 << 24, "float32 holds no larger whole numbers")
    return tensors
  }

  @Test(
    "Reading gives back every element that was written", arguments: [1, 2, 4, 8, 16], [1, 2, 4])
  func roundTrip(tensor: Int, data: Int) throws {
    for vocabulary in [257, 403] {
      let emulator = try step(vocabulary, tensor: tensor, data: data)
      let transfer = ParameterTransfer(
        model: Self.model(vocabulary), mesh: emulator.program.mesh)
      let tensors = numbered(transfer)
      var asked: [String: Int] = [:]
      try transfer.write(to: emulator) { name in
        asked[name, default: 0] += 1
        return try #require(tensors[name])
      }
      #expect(asked == tensors.mapValues { _ in 1 })
      let read = transfer.read(from: emulator)
      #expect(read.count == tensors.count)
      for (name, shape, values) in read {
        #expect(values == tensors[name], "\(name)")
        #expect(shape.reduce(1, *) == values.count)
      }
      #expect(
        read.reduce(0) { $0 + $1.values.count } == transfer.model.parameterCount)
    }
  }

  @Test("Writing fills the padding with zeros, and keeps every element once in all shards")
  func padding() throws {
    let emulator = try step(257, tensor: 8, data: 2)
    let program = emulator.program
    let transfer = ParameterTransfer(model: Self.model(257), mesh: program.mesh)
    for parameter in transfer.parameters.all {
      let id = try #require(program.tensor(named: parameter.name))
      for rank in 0..<16 {
        for instance in 0..<program[id].instanceCount {
          let memory = emulator.memory(of: id, instance: instance, rank: rank)
          memory.bindMemory(to: Float.self).update(repeating: .nan)
        }
      }
    }
    let tensors = numbered(transfer)
    transfer.write(to: emulator) { tensors[$0] ?? [] }
    var found: [Float] = []
    for parameter in transfer.parameters.all {
      let id = try #require(program.tensor(named: parameter.name))
      for rank in 0..<16 {
        for instance in 0..<program[id].instanceCount {
          found += emulator.memory(of: id, instance: instance, rank: rank)
            .bindMemory(to: Float.self)
        }
      }
    }
    let count = transfer.model.parameterCount
    #expect(found.filter { $0 != 0 }.sorted() == (1...count).map(Float.init))
  }
}
