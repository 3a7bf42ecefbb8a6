import Checkpoints
package import Emulator
import GPTJ

extension PretrainedModel {
  /// Scores with this model's weights, in float32, on its shards.
  package func scorer(tokensPerPass: Int = 1024, _ options: Emulator.Options) -> Scorer {
    let config = directory.config
    let model = GPTJModel(
      layers: config.layers, hiddenSize: config.hidden, heads: config.heads,
      vocabularySize: config.vocabulary, sequenceLength: config.positions,
      rotarySize: config.rotary)
    return Scorer(
      model, tensorParallel: tensorParallel, tokensPerPass: tokensPerPass, options
    ) { transfer, emulator in
      try transfer.write(to: emulator) { name in try floats(of: name) }
    }
  }
}
