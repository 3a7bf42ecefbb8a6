import ArgumentParsing
import Configuration

/// Models that are small enough to be trained from random weights on a few cores.
enum ModelSize: String, CaseIterable, ExpressibleByArgument {
  case tiny, small, base

  /// Layers and width; 16 heads each, so that every tensor parallelism up to 16 can split them.
  private var sizes: (layers: Int, hidden: Int, rotary: Int) {
    switch self {
    case .tiny: (4, 128, 8)
    case .small: (4, 256, 16)
    case .base: (6, 768, 32)
    }
  }

  /// The settings that make a model of this size for a vocabulary.
  func overrides(vocabulary: Int) -> [ConfigurationOverride] {
    let (layers, hidden, rotary) = sizes
    return [
      ("model.layers", layers), ("model.hidden_size", hidden), ("model.attention.heads", 16),
      ("model.attention.rotary_dim", rotary), ("model.embedding.vocab_size", vocabulary),
    ].map {
      ConfigurationOverride(path: $0, value: String($1), origin: "--from-scratch \(rawValue)")
    }
  }
}
