extension Instruction {
  /// The names of the operations that instructions carry out, as the Program has them; a collective
  /// goes by what it does, whatever its group.
  static let kindNames = [
    "hostLoad", "hostStore", "load", "store", "copy", "zero", "slice", "collective", "matmul",
    "addBias", "addScaledColumns", "scaledColumns", "biasGradient", "add", "layerNorm",
    "layerNormBackward", "layerNormGradient", "rotary", "attention", "attentionBackward", "dropout",
    "cacheAppend", "cachedAttention", "gelu", "geluBackward", "embed", "embedBackward",
    "logitsMax", "logitsSums", "crossEntropyLoss", "crossEntropyBackward", "sumOfSquares",
    "gradientScale", "adamW", "selectRows", "argmax",
  ]

  /// The place of this one's operation among them.
  var kindIndex: Int {
    switch self {
    case .move(let move):
      switch move.route {
      case .hostToTiles: 0
      case .tilesToHost: 1
      case .streamingToTiles: 2
      case .tilesToStreaming: 3
      case .tiles: 4
      }
    case .widen: 2
    case .narrow: 3
    case .zero: 5
    case .slice: 6
    case .collective: 7
    case .gemm, .halfProduct: 8
    case .addBias: 9
    case .addScaledColumns: 10
    case .scaledColumns: 11
    case .biasGradient: 12
    case .add: 13
    case .layerNorm: 14
    case .layerNormBackward: 15
    case .layerNormGradient: 16
    case .rotary: 17
    case .attention: 18
    case .attentionBackward: 19
    case .dropout: 20
    case .cacheAppend: 21
    case .cachedAttention: 22
    case .gelu: 23
    case .geluBackward: 24
    case .embed: 25
    case .embedBackward: 26
    case .logitsMax: 27
    case .logitsSums: 28
    case .crossEntropyLoss: 29
    case .crossEntropyBackward: 30
    case .squares, .sumOfSquares: 31
    case .gradientScale: 32
    case .adamW: 33
    case .selectRows: 34
    case .argmax: 35
    }
  }
}
