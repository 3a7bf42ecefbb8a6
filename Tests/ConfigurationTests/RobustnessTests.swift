import Testing

@testable import Configuration

@Suite("Robustness")
struct RobustnessTests {
  /// SplitMix64: the same damage in every run.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  private let snippets = [
    "99999999999999999999", "-1", "0", ".nan", "1e308", "{", "}", "[", "]", "&a", "*a", "!!int ",
    "\t", "\n", ": ", "- ", "\"", "'", "|", "#", "null", "? ", "---\n", "%", "\u{85}", "é",
  ]

  @Test(
    "Damaged presets are read or refused with a place; nothing traps",
    arguments: 0..<8 as Range<UInt64>)
  func damagedPresets(seed: UInt64) {
    let printed = Array(FineTuningConfiguration().printYAML().utf8)
    var generator = Generator(state: seed)
    var refused = 0
    for _ in 0..<100 {
      var bytes = printed
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let start = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, start + Int.random(in: 0...6, using: &generator))
        let snippet = snippets.randomElement(using: &generator) ?? ""
        let raw = [UInt8.random(in: 0...255, using: &generator)]
        let replacement = Bool.random(using: &generator) ? Array(snippet.utf8) : raw
        bytes.replaceSubrange(start..<end, with: replacement)
      }
      do {
        let configuration = try FineTuningConfiguration.decode(
          YAMLNode.parse(bytes: bytes, file: "f.yml"))
        #expect(configuration.gradientAccumulation > 0)
      } catch {
        #expect(error.place.file == "f.yml" && error.place.line > 0 && error.place.column > 0)
        #expect(error.place.line <= printed.count && !error.what.isEmpty)
        #expect(error.exitStatus == 65)
        refused += 1
      }
    }
    #expect(refused > 50)
  }
}
