import Testing

@testable import Checkpoints

/// Headers for 8 bytes of data that must be refused, with a part of the message.
let hostileHeaders: [(json: String, message: String)] = [
  ("", "expected {"),
  (" {}", "expected {"),
  ("[]", "expected {"),
  ("\u{FEFF}{}", "expected {"),
  ("{}", "all 8 data bytes, found 0"),
  (one("F32", "[2]", "[0,8]") + "\0", "only spaces"),
  (one("F32", "[2]", "[0,8]") + "{}", "only spaces"),
  (one("f32", "[2]", "[0,8]"), "a dtype of BOOL"),
  (one("F4", "[16]", "[0,8]"), "a dtype of BOOL"),
  (one("F32", "[3]", "[0,8]"), "as many bytes as F32 of shape [3] has, found 8"),
  (one("F32", "[]", "[0,8]"), "as many bytes"),
  (one("F32", "[2.0]", "[0,8]"), "byte 38: expected ]"),
  (one("F32", "[2e0]", "[0,8]"), "expected ]"),
  (one("F32", "[\"2\"]", "[0,8]"), "a whole number"),
  (one("F32", "[-2]", "[0,8]"), "a whole number"),
  (one("F32", "[02]", "[0,8]"), "a whole number"),
  (one("F32", "[2,]", "[0,8]"), "a whole number"),
  (one("F32", "[9223372036854775808]", "[0,8]"), "a whole number"),
  (one("F32", "[9223372036854775807,2]", "[0,8]"), "as many bytes"),
  (one("F32", "[4294967296,4294967296]", "[0,8]"), "as many bytes"),
  (one("F32", "[2305843009213693954]", "[0,8]"), "as many bytes"),
  (one("F32", "[2]", "[8,0]"), "begin <= end"),
  (one("F32", "[2]", "[0]"), "begin <= end"),
  (one("F32", "[2]", "[0,8,8]"), "begin <= end"),
  (one("F32", "[2]", "[8,16]"), "to begin at 0"),
  (one("F32", "[1]", "[4,8]"), "to begin at 0"),
  (one("F32", "[1]", "[0,4]"), "all 8 data bytes, found 4"),
  (one("F32", "[4]", "[0,16]"), "all 8 data bytes, found 16"),
  (one("F32", "[2]", "[9223372036854775799,9223372036854775807]"), "to begin at 0"),
  (two("[0,8]", "[0,8]"), "to begin at 8"),
  (two("[0,8]", "[4,12]"), "to begin at 8"),
  (#"{"a":{"dtype":"F32","shape":[2]}}"#, "a dtype, a shape and data_offsets"),
  (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, "not \"x\""),
  (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "each key once"),
  (#"{"a":null}"#, "expected {"),
  (#"{"__metadata__":{"a":1}}"#, "expected \""),
  (#"{"__metadata__":{},"__metadata__":{}}"#, "each key once"),
  (#"{"a\u12":{}}"#, "a JSON escape"),
  (#"{"\ud800":{}}"#, "a JSON escape"),
  (#"{"\ud800\u0041":{}}"#, "a JSON escape"),
  (#"{"\x":{}}"#, "a JSON escape"),
  ("{\"a\n\":{}}", "no control character"),
  (#"{"a"#, "the end of the string"),
  (#"{"a\""#, "the end of the string"),
  (#"{"a":{"dtype":"F32""#, "expected }"),
  (String(repeating: "{\"a\":", count: 10_000), "dtype, shape or data_offsets, not \"a\""),
  ("{\"a\":" + String(repeating: "[", count: 10_000), "expected {"),
]

private func one(_ dtype: String, _ shape: String, _ offsets: String) -> String {
  #"{"a":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
}

private func two(_ first: String, _ second: String) -> String {
  #"{"a":{"dtype":"F32","shape":[2],"data_offsets":\#(first)},"#
    + #""b":{"dtype":"F32","shape":[2],"data_offsets":\#(second)}}"#
}

/// A header that is right, for 8 bytes of data.
let rightHeader =
  #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
  + #""b":{"dtype":"U8","shape":[2,2],"data_offsets":[4,8]}}"#

/// The right header with one or two of its bytes changed, moved or cut.
func mutatedHeader(_ random: inout SplitMix64) -> [UInt8] {
  let alphabet = Array(#"{}[]":,\0123456789abFIU\u0000 "#.utf8) + [0xFF, 0xC3, 0x0A]
  var bytes = Array(rightHeader.utf8)
  for _ in 0...Int.random(in: 0...1, using: &random) {
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let byte = alphabet.randomElement(using: &random) ?? 0
    switch Int.random(in: 0...5, using: &random) {
    case 0: bytes.remove(at: at)
    case 1: bytes.insert(byte, at: at)
    case 2: bytes.swapAt(at, Int.random(in: 0..<bytes.count, using: &random))
    case 3: bytes[at] = UInt8.random(in: 0...255, using: &random)
    default: bytes[at] = byte
    }
  }
  return bytes
}

@Suite struct SafetensorsHeaderTests {
  private func header(_ json: [UInt8]) throws(CheckpointError) -> SafetensorsHeader {
    try SafetensorsHeader(json: json, dataByteCount: 8, file: "f")
  }

  @Test func `a right header gives types, shapes and ranges`() throws {
    let header = try header(Array(rightHeader.utf8))
    #expect(header.tensors["a"] == .init(type: .float32, shape: [1], range: 0..<4))
    #expect(header.tensors["b"] == .init(type: .uint8, shape: [2, 2], range: 4..<8))
    #expect(header.metadata == ["format": "pt"])
  }

  @Test(arguments: [
    one("F32", "[2]", "[0,8]") + " \r\n\t", one("F32", " [ 2 , 1 ] ", "[0 ,8]"),
    #"{"b":{"data_offsets":[8,8],"shape":[0,9223372036854775807],"dtype":"F64"},"#
      + #""":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}"#,
  ])
  func `spaces, any order and empty tensors are accepted`(json: String) throws {
    #expect(try header(Array(json.utf8)).tensors.isEmpty == false)
  }

  @Test(arguments: hostileHeaders.indices)
  func `hostile headers are refused with a reason`(index: Int) {
    let hostile = hostileHeaders[index]
    let error = #expect(throws: CheckpointError.self, "\(hostile.json.prefix(200))") {
      try header(Array(hostile.json.utf8))
    }
    #expect(error?.description.contains(hostile.message) == true, "\(String(describing: error))")
    #expect((error?.description.count ?? 0) < 500)
  }

  @Test func `random and mutated headers never trap`() {
    var random = SplitMix64(state: 1)
    var accepted = 0
    for _ in 0..<5_000 {
      if (try? header(mutatedHeader(&random))) != nil { accepted += 1 }
      let noise = (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect((try? header(noise)) == nil)
      #expect((try? header(Array("{\"a\":".utf8) + noise)) == nil)
    }
    // Some mutations are harmless, such as another name; most must not be.
    #expect(accepted > 10 && accepted < 2_500)
  }

  @Test func `each element type has the size that its name says`() {
    for type in ElementType.allCases where type != .bool {
      let bits = Int(type.rawValue.drop { !$0.isNumber }.prefix { $0.isNumber })
      #expect(bits == 8 * type.byteCount)
    }
  }
}
