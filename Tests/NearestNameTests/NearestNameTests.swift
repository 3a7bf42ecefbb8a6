import NearestName
import Testing

@Suite struct NearestNameTests {
  @Test(
    "The nearest word is near",
    arguments: [
      ("layer", "layers"), ("LAYERS", "layers"), ("hidden-size", "hidden_size"),
      ("hiden_size", "hidden_size"), ("hid", "hidden_size"), ("zzz", nil), ("", nil),
      (String(repeating: "x", count: 1_000_000), nil),
    ] as [(String, String?)])
  func nearestWord(word: String, expected: String?) {
    #expect(nearest(word, in: ["layers", "hidden_size", "heads"]) == expected)
  }
}
