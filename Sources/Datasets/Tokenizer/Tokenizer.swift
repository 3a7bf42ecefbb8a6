/// Byte-level byte-pair encoding as GPT-2 and GPT-J do it: text to ids and back.
///
/// The text is first cut at the special tokens (leftmost, then longest), the rest into pieces by
/// `PreTokenizer`, and each piece's bytes are merged pair by pair, lowest rank first. Nothing is
/// trimmed or normalised: `decode(encode(text)) == text` for every text, scalar by scalar.
package struct Tokenizer: Sendable {
  /// The separator of documents, one id of its own.
  package static let endOfText = "<|endoftext|>"

  /// How many ids a model needs: one more than the largest id.
  package let vocabularySize: Int
  /// The id of `<|endoftext|>`.
  package let endOfTextID: Int32

  /// The vocabulary as it was given; spellings are in the byte alphabet.
  let vocabulary: [String: Int]
  /// The tokens that are cut out first; the vocabulary may list them too.
  let specialIDs: [String: Int]

  let idOfByte: [Int32]
  let merges: Merges
  let specials: SpecialTokens
  private let bytesOfID: [[UInt8]]

  /// Builds the tables from a vocabulary file's spellings, the merges in order of rank, and the
  /// special tokens that the vocabulary does not list (`added_tokens.json`).
  ///
  /// - Throws: `inconsistentVocabulary` when a byte, a merge's part or `<|endoftext|>` is missing,
  ///   an id is used twice or lies outside `0 ..< 1,048,576`, or a merge's part holds a space.
  package init(
    vocabulary: [String: Int], merges pairs: [(String, String)], added: [String: Int] = [:]
  ) throws(DatasetsError) {
    bytesOfID = try Self.bytesOfID(vocabulary, added)
    vocabularySize = bytesOfID.count
    var specials = added
    if let id = vocabulary[Self.endOfText] { specials[Self.endOfText] = id }
    guard let end = specials[Self.endOfText] else {
      throw .inconsistentVocabulary("no entry '\(Self.endOfText)'")
    }
    endOfTextID = Int32(end)
    self.vocabulary = vocabulary
    specialIDs = specials
    self.specials = SpecialTokens(specials)
    idOfByte = try Self.idOfByte(vocabulary)
    merges = try Self.merges(pairs, vocabulary)
  }

  /// The ids of `text`; for many texts a `TokenEncoder` is faster, since it remembers words.
  package func encode(_ text: String) -> [Int32] {
    var encoder = TokenEncoder(self, slots: 6)
    return encoder.encode(text)
  }

  /// The text of `ids`; bytes that are no UTF-8 and ids outside the vocabulary give U+FFFD.
  package func decode(_ ids: some Sequence<Int32>) -> String {
    var bytes: [UInt8] = []
    for id in ids { append(id, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func append(_ id: Int32, to bytes: inout [UInt8]) {
    let token = bytesOfID.indices.contains(Int(id)) ? bytesOfID[Int(id)] : []
    bytes += token.isEmpty ? [0xEF, 0xBF, 0xBD] : token  // U+FFFD in UTF-8
  }
}

/// Building the tables, with every way in which two files can disagree.
extension Tokenizer {
  /// Four times the largest vocabulary in use (about 256,000): a wrong id must not fill memory.
  package static let idLimit = 1 << 20
  /// Some vocabularies reach a token by two or three pairs, so more than there are ids.
  static let mergeLimit = 4 * idLimit
  /// Some sentences long; each byte of a text may begin one.
  static let addedTokenLimit = 4096

  private static func bytesOfID(
    _ vocabulary: [String: Int], _ added: [String: Int]
  ) throws(DatasetsError) -> [[UInt8]] {
    let largest = max(vocabulary.values.max() ?? 0, added.values.max() ?? 0)
    var table = [[UInt8]](repeating: [], count: min(max(largest, 0), idLimit - 1) + 1)
    // Sorted, so that of two wrong entries always the same one is named.
    for (isAdded, entries) in [(false, vocabulary), (true, added)] {
      for (token, id) in entries.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
        guard (0..<idLimit).contains(id) else {
          throw .inconsistentVocabulary("id \(id) of '\(token)' is not in 0 ..< \(idLimit)")
        }
        guard !token.isEmpty else {
          throw .inconsistentVocabulary("the token with id \(id) is empty")
        }
        guard !isAdded || token.utf8.count <= addedTokenLimit else {
          throw .inconsistentVocabulary(
            "the added token with id \(id) is longer than \(addedTokenLimit) bytes")
        }
        if isAdded, let other = vocabulary[token] {
          guard other != id else { continue }
          throw .inconsistentVocabulary("'\(token)' has id \(other), but \(id) as an added token")
        }
        guard table[id].isEmpty else {
          throw .inconsistentVocabulary("id \(id) is given twice, the second time to '\(token)'")
        }
        // Added tokens are spelled as they are, others in the alphabet if they can be.
        table[id] = (isAdded ? nil : ByteAlphabet.bytes(of: token)) ?? Array(token.utf8)
      }
    }
    return table
  }

  private static func idOfByte(_ vocabulary: [String: Int]) throws(DatasetsError) -> [Int32] {
    var ids: [Int32] = []
    for byte in UInt8.min...UInt8.max {
      let spelling = ByteAlphabet.spell([byte])
      guard let id = vocabulary[spelling] else {
        throw .inconsistentVocabulary("no entry '\(spelling)' for byte \(byte)")
      }
      ids.append(Int32(id))
    }
    return ids
  }

  private static func merges(
    _ pairs: [(String, String)], _ vocabulary: [String: Int]
  ) throws(DatasetsError) -> Merges {
    guard pairs.count <= mergeLimit else {
      throw .inconsistentVocabulary("\(pairs.count) merges are more than \(mergeLimit)")
    }
    var merges = Merges(minimumCapacity: pairs.count)
    for (left, right) in pairs {
      var place: String { "merge \(merges.all.count + 1), '\(left) \(right)'," }
      func id(_ token: String) throws(DatasetsError) -> Int32 {
        // Such a token can never be met, and merges.txt could not spell it.
        guard !token.utf8.contains(where: { $0 <= 0x20 }) else {
          throw .inconsistentVocabulary("\(place) has a space in '\(token)'")
        }
        guard let id = vocabulary[token] else {
          throw .inconsistentVocabulary("\(place) needs '\(token)', which has no id")
        }
        return Int32(id)
      }
      guard
        merges.append(.init(left: try id(left), right: try id(right), result: try id(left + right)))
      else { throw .inconsistentVocabulary("\(place) is given twice") }
    }
    return merges
  }
}
