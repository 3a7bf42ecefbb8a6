import FoundationEssentials

/// What `config.json` of a GPT-J says about the model; keys that do not change it are passed over.
package struct GPTJConfig: Equatable, Sendable {
  package var layers: Int
  package var hidden: Int
  package var heads: Int
  /// The longest sequence that the model was made for.
  package var positions: Int
  package var rotary: Int
  package var vocabulary: Int

  package init(
    layers: Int, hidden: Int, heads: Int, positions: Int, rotary: Int, vocabulary: Int
  ) {
    self.layers = layers
    self.hidden = hidden
    self.heads = heads
    self.positions = positions
    self.rotary = rotary
    self.vocabulary = vocabulary
  }

  /// Reads a `config.json` in any spelling of transformers 4.25 to 5.x; absent keys have
  /// `GPTJConfig`'s defaults there.
  ///
  /// - Throws: `CheckpointError` naming the key for another architecture (GPT-2, GPT-NeoX), for a
  ///   variant that is not trained here (another activation, epsilon or width, tied head), and for
  ///   sizes that no model has.
  package init(path: String) throws(CheckpointError) {
    let bytes = try FileDescriptor.contents(of: path, limit: Self.byteLimit)
    let keys: Keys
    let rotary: RotaryKey
    do {
      keys = try JSONDecoder().decode(Keys.self, from: Data(bytes))
      rotary = try JSONDecoder().decode(RotaryKey.self, from: Data(bytes))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw .configuration(
        file: path, key: key, found: "another type", expected: "the type that transformers writes")
    } catch {
      throw .malformedHeader(file: path, byte: 0, expected: "a JSON object of GPT-J's settings")
    }
    // Transformers 4 rotates the whole head then, 5 refuses it; an absent key means 64.
    guard !rotary.isNull else {
      throw .configuration(
        file: path, key: "rotary_dim", found: "null", expected: "the number of rotated elements")
    }
    try self.init(keys, file: path)
  }

  /// A thousand times the real file: what is larger is another file.
  private static let byteLimit = 1 << 20
  /// Far beyond any model; products of four such sizes stay within 64 bits where it matters.
  private static let sizeLimit = 1 << 24

  /// The spellings of transformers: `GPTJConfig` and its `attribute_map`.
  private struct Keys: Decodable {
    var model_type: String?
    var n_layer, num_hidden_layers, n_embd, hidden_size, n_head, num_attention_heads: Int?
    var n_positions, max_position_embeddings, n_inner, rotary_dim, vocab_size: Int?
    var activation_function: String?
    var layer_norm_epsilon: Double?
    var rotary, scale_attn_weights, tie_word_embeddings: Bool?
  }

  /// Whether `rotary_dim` is there and null, which `Int?` cannot tell from absent.
  private struct RotaryKey: Decodable {
    let isNull: Bool

    private enum CodingKeys: CodingKey { case rotary_dim }

    init(from decoder: any Decoder) throws {
      let keys = try decoder.container(keyedBy: CodingKeys.self)
      isNull = keys.contains(.rotary_dim) ? try keys.decodeNil(forKey: .rotary_dim) : false
    }
  }

  private init(_ keys: Keys, file: String) throws(CheckpointError) {
    func require(
      _ key: String, _ holds: Bool, found: String, expected: String
    ) throws(CheckpointError) {
      guard holds else {
        throw .configuration(file: file, key: key, found: found, expected: expected)
      }
    }
    func size(_ key: String, _ value: Int) throws(CheckpointError) -> Int {
      try require(
        key, (1...Self.sizeLimit).contains(value), found: "\(value)",
        expected: "from 1 to \(Self.sizeLimit)")
      return value
    }
    let type = keys.model_type ?? "none"
    try require("model_type", type == "gptj", found: quoted(type), expected: "\"gptj\"")
    // Defaults: transformers, `GPTJConfig.__init__`.
    layers = try size("n_layer", keys.n_layer ?? keys.num_hidden_layers ?? 28)
    hidden = try size("n_embd", keys.n_embd ?? keys.hidden_size ?? 4096)
    heads = try size("n_head", keys.n_head ?? keys.num_attention_heads ?? 16)
    positions = try size("n_positions", keys.n_positions ?? keys.max_position_embeddings ?? 2048)
    vocabulary = try size("vocab_size", keys.vocab_size ?? 50_400)
    try require(
      "n_head", hidden % heads == 0, found: "\(heads)", expected: "a divisor of n_embd, \(hidden)")
    let headSize = hidden / heads
    rotary = try size("rotary_dim", keys.rotary_dim ?? 64)
    try require(
      "rotary_dim", rotary <= headSize && rotary % 2 == 0, found: "\(rotary)",
      expected: "an even number up to n_embd / n_head, \(headSize)")
    let inner = keys.n_inner ?? 4 * hidden
    try require(
      "n_inner", inner == 4 * hidden, found: "\(inner)", expected: "null or \(4 * hidden)")
    let activation = keys.activation_function ?? "gelu_new"
    try require(
      "activation_function", activation == "gelu_new", found: quoted(activation),
      expected: "\"gelu_new\"")
    let epsilon = keys.layer_norm_epsilon ?? 1e-5
    try require(
      "layer_norm_epsilon", epsilon == 1e-5, found: "\(epsilon)", expected: "1e-05")
    for (key, value, expected) in [
      ("rotary", keys.rotary ?? true, true),
      ("scale_attn_weights", keys.scale_attn_weights ?? true, true),
      ("tie_word_embeddings", keys.tie_word_embeddings ?? false, false),
    ] {
      try require(key, value == expected, found: "\(value)", expected: "\(expected)")
    }
  }

  /// The text of a `config.json` that transformers 4.25 to 5.x read, for float32 weights.
  ///
  /// Both `dtype` and `torch_dtype` are there: transformers 5 computes in what the file names, and
  /// older ones only know the second.
  func json(endOfText: Int, _ type: FloatType = .float32) -> String {
    """
    {
      "activation_function": "gelu_new",
      "architectures": ["GPTJForCausalLM"],
      "attn_pdrop": 0.0,
      "bos_token_id": \(endOfText),
      "dtype": "\(type.rawValue)",
      "embd_pdrop": 0.0,
      "eos_token_id": \(endOfText),
      "initializer_range": 0.02,
      "layer_norm_epsilon": 1e-05,
      "model_type": "gptj",
      "n_embd": \(hidden),
      "n_head": \(heads),
      "n_inner": null,
      "n_layer": \(layers),
      "n_positions": \(positions),
      "resid_pdrop": 0.0,
      "rotary": true,
      "rotary_dim": \(rotary),
      "scale_attn_weights": true,
      "tie_word_embeddings": false,
      "tokenizer_class": "GPT2Tokenizer",
      "torch_dtype": "\(type.rawValue)",
      "use_cache": true,
      "vocab_size": \(vocabulary)
    }

    """
  }
}
