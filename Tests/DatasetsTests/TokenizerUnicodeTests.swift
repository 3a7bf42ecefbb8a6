import Testing

@testable import Datasets

@Suite struct TokenizerUnicodeTests {
  /// The reference's own count of code points that the Swift 6.3 library puts elsewhere is 4,657.
  @Test func `the classes are those of Unicode 16, not of the standard library`() {
    let table = UnicodeClass.table
    func count(_ kind: UnicodeClass) -> Int { table.count { $0 == kind } }
    // Letters and numbers as DerivedGeneralCategory.txt 16.0.0 totals them: L 141,028, N 1,911.
    #expect(count(.letter) == 141_028)
    #expect(count(.number) == 1_911)
    #expect(count(.space) == 25)
    #expect(table.count < 0x40000)
    #expect(table[0x1C] == .other && table[0x85] == .space && table[0x200B] == .other)
  }

  /// Made with Hugging Face tokenizers 0.23.3 from the files that the embedded tokenizer writes.
  @Test func `every code point gives the reference's ids in context`() throws {
    var encoder = TokenEncoder(try Tokenizer.embedded())
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a, a step for each id.
    var ids: [Int32] = []
    for code in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(code) else { continue }
      ids.removeAll(keepingCapacity: true)
      encoder.append(codePointInContext(scalar), to: &ids)
      for id in ids { hash = (hash ^ UInt64(id)) &* 0x100_0000_01B3 }
    }
    #expect(hash == 0x9C93_63D7_775D_D99B)
  }
}

/// A code point after a letter, a space, itself, an apostrophe; before a letter and a number.
func codePointInContext(_ scalar: Unicode.Scalar) -> String {
  let c = String(scalar)
  return "a" + c + "b " + c + " " + c + c + "1 '" + c + "  " + c + "s\n" + c
}
