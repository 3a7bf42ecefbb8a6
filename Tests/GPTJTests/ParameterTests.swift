import Configuration
import GPTJ
import Program
import Testing

@Suite("Parameters and their shards")
struct ParameterTests {
  /// GPT-J 6B at TP16: one rank's shapes (Graphcore examples, nlp/gpt_j/popxl; weights as `[out, in]`).
  static let published: [(name: String, shape: [Int])] = [
    ("embedding.weight", [3152, 4096]),
    ("layer.norm.gain", [4096]),
    ("layer.norm.bias", [4096]),
    ("layer.attention.qkv.weight", [768, 4096]),
    ("layer.attention.output.weight", [4096, 256]),
    ("layer.feed_forward.in.weight", [1024, 4096]),
    ("layer.feed_forward.in.bias", [1024]),
    ("layer.feed_forward.out.weight", [4096, 1024]),
    ("layer.feed_forward.out.bias", [4096]),
    ("head.norm.gain", [4096]),
    ("head.norm.bias", [4096]),
    ("head.weight", [3150, 4096]),
    ("head.bias", [3150]),
  ]

  @Test("GPT-J 6B's shards at TP16 have the reference's shapes")
  func shapes() {
    let parameters = ParameterSet(gptj6B, tensorParallel: 16)
    #expect(parameters.all.map(\.name) == Self.published.map(\.name))
    #expect(parameters.all.map(\.shape) == Self.published.map(\.shape))
    let block = parameters.block.all
    let replicated = block.filter { $0.partition == .replicated }
    #expect(replicated.reduce(0) { $0 + $1.count } == 12_288)
    #expect(block.reduce(0) { $0 + $1.count } == 12_288 + 12_583_936)
    let narrow = ParameterSet(gptj6B, tensorParallel: 4)
    #expect(narrow.embedding.shape[0] == 12608)
    #expect(narrow.head.weight.shape[0] == 12600)
  }

  @Test("Only matrices decay; replicated parameters are sharded over all ranks, others over DP")
  func kinds() {
    for parameter in ParameterSet(gptj6B, tensorParallel: 16).all {
      #expect(parameter.isDecayed == (parameter.fullShape.count == 2))
      #expect(parameter.isPerLayer == parameter.name.hasPrefix("layer."))
      let isReplicated = parameter.partition == .replicated
      #expect(parameter.shardingGroup == (isReplicated ? .all : .data))
      #expect(parameter.differsOver == (isReplicated ? [] : .tensor))
      for name in parameter.huggingFaceNames {
        #expect(name.contains(".N.") == parameter.isPerLayer)
      }
    }
  }

  @Test(
    "Every element of every parameter is in exactly one rank's shard, and each in a place of its own",
    arguments: [1, 2, 4, 8, 16], [16, 17, 31, 33, 101, 257, 403])
  func regions(tensorParallel: Int, vocabulary: Int) {
    let model = GPTJModel(
      layers: 1, hiddenSize: 32, heads: 16, vocabularySize: vocabulary, sequenceLength: 4,
      rotarySize: 2, feedForwardSize: 48)
    let lora = LoRA(rank: 3, alpha: 3, targets: LoRA.Target.allCases)
    for parameter in ParameterSet(model, tensorParallel: tensorParallel, lora: lora).all {
      let columns = parameter.fullShape.count > 1 ? parameter.fullShape[1] : 1
      let localColumns = parameter.shape.count > 1 ? parameter.shape[1] : 1
      let count = parameter.fullShape.reduce(1, *)
      var held = [Int](repeating: 0, count: count * parameter.huggingFaceNames.count)
      for rank in 0..<tensorParallel {
        var local = [Int](repeating: 0, count: parameter.count)
        for region in parameter.regions(tensorIndex: rank) {
          for row in 0..<region.rows {
            for column in 0..<region.columns {
              let full =
                (region.sourceRow + row) * columns + region.sourceColumn + column
              held[region.source * count + full] += 1
              local[(region.row + row) * localColumns + column] += 1
            }
          }
        }
        #expect(local.allSatisfy { $0 <= 1 }, "\(parameter.name) of rank \(rank)")
      }
      let expected = parameter.partition == .replicated ? tensorParallel : 1
      #expect(held.allSatisfy { $0 == expected }, "\(parameter.name)")
    }
  }

  @Test("The shards of a vocabulary that does not divide are padded at the end only")
  func padding() {
    let model = GPTJModel(
      layers: 1, hiddenSize: 8, heads: 8, vocabularySize: 101, sequenceLength: 4, rotarySize: 1)
    let parameters = ParameterSet(model, tensorParallel: 8)
    func rows(_ parameter: Parameter) -> [Int] {
      (0..<8).map { parameter.regions(tensorIndex: $0).reduce(0) { $0 + $1.rows } }
    }
    #expect(parameters.embedding.shape == [16, 8])
    #expect(rows(parameters.embedding) == [16, 16, 16, 16, 16, 16, 5, 0])
    #expect(parameters.head.weight.shape == [13, 8])
    #expect(rows(parameters.head.weight) == [13, 13, 13, 13, 13, 13, 13, 10])
    #expect(rows(parameters.head.bias) == rows(parameters.head.weight))
  }
}
