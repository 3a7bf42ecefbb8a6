import GPTJ
import Program
import Testing

@Suite("Inference with a key-value cache, as a Program")
struct CachedPassTests {
  private static let model = GPTJModel(
    layers: 3, hiddenSize: 64, heads: 16, vocabularySize: 503, sequenceLength: 45, rotarySize: 4)

  private func program(
    tensorParallel: Int = 4, rows: Int = 24, answers: Int = 5, layers: Int = 3,
    result: InferencePass.Cache.Result = .ids
  ) throws -> Program {
    var model = Self.model
    model.layers = layers
    return try InferencePass(
      model: model, tensorParallel: tensorParallel, microBatchSize: 7, elementType: .float32,
      cache: InferencePass.Cache(rows: rows, answers: answers, result: result)
    ).program()
  }

  @Test("The switch is off by default, and a cache changes nothing where it is off")
  func off() throws {
    let pass = InferencePass(
      model: Self.model, tensorParallel: 4, microBatchSize: 7, elementType: .float32)
    #expect(pass.cache == nil)
    let names = try Set(pass.program().tensors.map(\.name))
    #expect(!names.contains("cache") && !names.contains(InferencePass.HostTensor.places))
  }

  @Test(
    "A run costs its new tokens, the last layer's second half and the head only its answers",
    arguments: [(24, 5), (1, 1), (5, 24)], [1, 4, 16])
  func work(size: (rows: Int, answers: Int), tensorParallel: Int) throws {
    let program = try program(
      tensorParallel: tensorParallel, rows: size.rows, answers: size.answers)
    let d = 64
    // 45 tokens are kept in three blocks of 16; scores and values of each are two products.
    let attention = 2 * 2 * 48 * d
    let whole = size.rows * 2 * (2 * 12 * d * d + attention)
    let last = size.rows * 2 * 3 * d * d + size.answers * (2 * 9 * d * d + attention)
    let columns = 503.shard(of: tensorParallel) * tensorParallel
    let head = size.answers * 2 * columns * d
    #expect(program.work.flops * tensorParallel == whole + last + head)
  }

  @Test("Keys and values of all layers stay on the tiles throughout", arguments: [1, 3])
  func kept(layers: Int) throws {
    let program = try program(layers: layers)
    let cache = try #require(program.tensor(named: "cache"))
    #expect(program[cache].bytes * program[cache].instanceCount == layers * 7 * 48 * 2 * 16 * 4)
    for peak in program.liveness().phases {
      #expect(peak.live.contains { $0.tensor == cache })
    }
    #expect(program.phaseNames == ["embedding_forward", "decoder_forward", "head"])
  }

  @Test("It yields ids, or the shards of the logits", arguments: [1, 4])
  func results(tensorParallel: Int) throws {
    let ids = try program(tensorParallel: tensorParallel)
    let next = try #require(ids.tensor(named: InferencePass.HostTensor.nextIDs))
    #expect(ids[next].shape == [5])
    let drawn = try program(tensorParallel: tensorParallel, result: .logits)
    let logits = try #require(drawn.tensor(named: InferencePass.HostTensor.logits))
    #expect(drawn[logits].count == 5 * 503.shard(of: tensorParallel) * tensorParallel)
    #expect(drawn.tensor(named: InferencePass.HostTensor.nextIDs) == nil)
  }
}
