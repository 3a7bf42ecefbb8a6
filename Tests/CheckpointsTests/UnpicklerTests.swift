import Testing

@testable import Checkpoints

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func repeated(_ text: String, _ count: Int) -> [UInt8] {
  bytes(String(repeating: text, count: count))
}

/// Pickles that are no state dict, each with a part of the message.
private let hostilePickles: [(pickle: [UInt8], message: String)] = [
  // What a pickle runs when Python loads it.
  (bytes("cos\nsystem\n") + text("id") + [0x85] + bytes("R."), "\"os.system\" is no part"),
  (global("builtins", "eval") + text("1") + [0x85] + bytes("R."), "\"builtins.eval\""),
  (global("torch", "load") + bytes("."), "\"torch.load\""),
  (global("torch.storage", "_load_from_bytes") + bytes("."), "_load_from_bytes"),
  (global("collections", "OrderedDict\u{0}") + bytes("."), "is no part"),
  (text("os") + text("system") + [0x93] + bytes("."), "\"os.system\""),
  (bytes("i") + bytes("os\nsystem\n."), "found 0x69"),
  (bytes(")\u{81}."), "found 0xc2"),
  ([0x29, 0x81, 0x2E], "found 0x81"),
  ([0x82, 1, 0x2E], "found 0x82"),
  (bytes("P0\n."), "found 0x50"),
  // Stack and memo.
  ([], "1 more bytes"),
  (bytes("."), "1 values before"),
  (bytes("}"), "1 more bytes"),
  (bytes("t."), "a mark"),
  (bytes("u."), "a mark"),
  (bytes("(}(}s."), "2 values before"),
  (bytes("N(}u."), "keys and values"),
  (bytes("}(Nu."), "keys and values"),
  (bytes("N(NNu."), "keys and values"),
  (bytes("Na."), "1 values"),
  (bytes("NNa."), "a list"),
  (bytes("h\u{1}."), "noted as 1"),
  (bytes("q\u{1}."), "a value before"),
  (bytes("}R."), "a function"),
  (bytes("})R."), "a function"),
  (bytes("N") + [0x62], "a dictionary under"),
  (bytes("NN") + [0x62], "a dictionary under"),
  (bytes("N)Q."), "a storage"),
  (bytes("Q."), "1 values"),
  // Arguments.
  (global("collections", "OrderedDict") + [0x4E, 0x85] + bytes("R."), "arguments"),
  (global("torch", "FloatStorage") + bytes(")R."), "arguments"),
  (global("torch._utils", "_rebuild_tensor_v2") + bytes(")R."), "an offset"),
  (global("torch._utils", "_rebuild_parameter") + bytes(")R."), "a tensor"),
  (bytes("(") + text("storage") + bytes("NNNNtQ."), "a storage"),
  // Lengths.
  ([0x80, 9], "protocol 2 to 5"),
  ([0x58, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295 more bytes"),
  ([0x8C, 200, 1], "200 more bytes"),
  ([0x58, 1, 0, 0, 0, 0xFF], "UTF-8"),
  ([0x8A, 9] + [UInt8](repeating: 1, count: 9), "64 bits"),
  ([0x63] + [UInt8](repeating: 0x61, count: 1000), "255 bytes"),
  ([0x95, 1], "8 more bytes"),
  // Bombs.
  (repeated("(", 300_000), "at most 262144 values"),
  (repeated(")", 300_000), "at most 262144 values"),
  (bytes(")") + [UInt8](repeating: 0x85, count: 300_000), "at most 262144 values"),
  (bytes("]q\u{0}") + repeated("h\u{0}a", 300_000), "at most 262144 values"),
  (bytes("}") + repeated("q\u{1}", 300_000), "at most 262144 values"),
  // Other contents.
  (bytes("N."), "a dictionary of tensors"),
  (bytes("}NNs."), "names of tensors"),
  (bytes("}") + text("state_dict") + bytes("}s."), "\"state_dict\""),
  (bytes("}") + text("step") + bytes("K\u{1}s."), "\"step\""),
]

@Suite struct UnpicklerTests {
  private func load(_ pickle: [UInt8]) throws(CheckpointError) -> [String: StoredTensor] {
    var unpickler = Unpickler(pickle, file: "f")
    return try unpickler.loadStateDictionary(file: "f")
  }

  @Test func `Tensors are described, not made`() throws {
    let tensors = try load(statePickle(smallTensors))
    #expect(
      tensors["h"]
        == StoredTensor(
          storage: TensorStorage(key: "1", type: .float16, count: 4), offset: 1, shape: [3],
          strides: [1]))
    #expect(tensors.count == 3)
  }

  @Test(arguments: hostilePickles.indices)
  func `Hostile pickles are refused with a reason`(index: Int) {
    let hostile = hostilePickles[index]
    let error = #expect(throws: CheckpointError.self) { try load(hostile.pickle) }
    #expect(
      error?.description.contains(hostile.message) == true, "\(error?.description ?? "no error")")
    #expect(error?.description.hasPrefix("f: ") == true)
  }

  /// Each level holds the one before; Swift would free such a chain of objects by recursion.
  @Test func `Deep nesting costs no stack`() {
    let pickle = bytes(")") + [UInt8](repeating: 0x85, count: 250_000) + bytes(".")
    #expect { try load(pickle) } throws: { "\($0)".contains("a dictionary of tensors") }
  }

  @Test func `Integers of each form have their sign`() throws {
    let numbers: [(bytes: [UInt8], value: Int)] = [
      ([0x4B, 255], 255), ([0x4D, 1, 2], 513), ([0x4A, 0xFE, 0xFF, 0xFF, 0xFF], -2),
      ([0x8A, 0], 0), ([0x8A, 1, 0xFF], -1), ([0x8A, 2, 0xFF, 0], 255), (long(.min), .min),
      (long(.max), .max),
    ]
    for number in numbers {
      var unpickler = Unpickler(number.bytes + bytes("."), file: "f")
      #expect(try unpickler.load() == .int(number.value))
    }
  }

  @Test func `The short strings, noted values and frames of protocol 4 are read`() throws {
    let pickle: [UInt8] =
      [0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x8C, 11] + bytes("collections") + [0x94, 0x8C, 11]
      + bytes("OrderedDict") + [0x94, 0x93, 0x94] + bytes(")R") + [0x94] + bytes("h\u{3}.")
    #expect(try load(pickle).isEmpty)
  }
}
