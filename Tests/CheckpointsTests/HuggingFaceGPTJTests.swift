import Checkpoints
import Testing

@Suite struct HuggingFaceGPTJTests {
  @Test func `the 6B model has 285 tensors and its published number of parameters`() {
    let tensors = HuggingFaceGPTJ.tensors(layers: 28, hidden: 4096, inner: 16384, vocabulary: 50400)
    #expect(tensors.count == 285)
    // Sum over the tensors that transformers' GPTJForCausalLM makes for EleutherAI/gpt-j-6B.
    #expect(tensors.map { $0.shape.reduce(1, *) }.reduce(0, +) == 6_050_882_784)
    #expect(HuggingFaceGPTJ.tensorNames(layers: 28) == tensors.map(\.name))
  }

  @Test(arguments: [("gptj-v257", 2, 257), ("gptj-v403", 1, 403)])
  func `names and shapes are those of a model that transformers made`(
    name: String, layers: Int, vocabulary: Int
  ) throws {
    let file = try SafetensorsFile(path: fixture("\(name).weights.safetensors"))
    let tensors = HuggingFaceGPTJ.tensors(
      layers: layers, hidden: 64, inner: 256, vocabulary: vocabulary)
    let others = ["input_ids", "labels", "logits", "loss"]
    #expect(Set(tensors.map(\.name) + others) == Set(file.names))
    for tensor in tensors { #expect(try file.shape(of: tensor.name) == tensor.shape) }
    #expect(try file.shape(of: "input_ids") == [20, 8, 13])
    #expect(try file.ints(of: "labels").allSatisfy((0..<vocabulary).contains))
  }
}
