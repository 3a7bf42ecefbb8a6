/// The four classes of characters that the byte-level pattern tells apart.
enum UnicodeClass: UInt8, Sendable {
  case other, letter, number, space

  /// Index is a code point; all beyond the end are `other`.
  ///
  /// From a table of Unicode 16, which Hugging Face tokenizers 0.22 and 0.23 use. The standard
  /// library's properties are of another version: it calls 4,657 code points otherwise.
  static let table: [UnicodeClass] = {
    var table: [UnicodeClass] = []
    for line in PackageResources.unicode_classes_txt.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " "))
      guard let name = words.first, let kind = UnicodeClass(name: name) else { continue }
      for span in words.dropFirst() {
        let ends = span.split(separator: UInt8(ascii: "-")).compactMap {
          Int(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        guard let first = ends.first, let last = ends.last else { continue }
        if last >= table.count {
          table += [UnicodeClass](repeating: .other, count: last + 1 - table.count)
        }
        for code in first...last { table[code] = kind }
      }
    }
    return table
  }()

  private init?(name: ArraySlice<UInt8>) {
    switch name {
    case [UInt8(ascii: "L")]: self = .letter
    case [UInt8(ascii: "N")]: self = .number
    case [UInt8(ascii: "S")]: self = .space
    default: return nil
    }
  }
}
