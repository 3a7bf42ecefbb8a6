/// Encodes many texts with one tokenizer, and remembers the ids of each word it has met.
///
/// A value per thread: the memory is the only state, and it never changes what comes out.
package struct TokenEncoder: Sendable {
  package let tokenizer: Tokenizer
  private var memory: [UInt128: [Int32]] = [:]

  package init(_ tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
  }

  package mutating func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    append(text, to: &ids)
    return ids
  }

  /// Appends the ids of `text` to `ids`.
  package mutating func append(_ text: String, to ids: inout [Int32]) {
    let bytes = Array(text.utf8)
    var start = 0
    var index = 0
    while index < bytes.count {
      guard let (id, end) = tokenizer.specials.match(in: bytes, at: index) else {
        index += 1
        continue
      }
      appendOrdinary(bytes, start..<index, to: &ids)
      ids.append(id)
      start = end
      index = end
    }
    appendOrdinary(bytes, start..<bytes.count, to: &ids)
  }

  /// Appends text that holds no special token: its neighbours are not seen by the pattern.
  private mutating func appendOrdinary(
    _ bytes: [UInt8], _ range: Range<Int>, to ids: inout [Int32]
  ) {
    let text = range == bytes.indices ? bytes : Array(bytes[range])
    let scanner = PreTokenizer(text)
    var start = 0
    while start < text.count {
      let end = scanner.endOfPiece(at: start)
      appendPiece(text[start..<end], to: &ids)
      start = end
    }
  }

  private mutating func appendPiece(_ piece: ArraySlice<UInt8>, to ids: inout [Int32]) {
    guard let key = Self.key(of: piece) else {
      ids += tokenizer.merge(piece)
      return
    }
    if let known = memory[key] {
      ids += known
      return
    }
    let merged = tokenizer.merge(piece)
    if memory.count < Self.memoryLimit { memory[key] = merged }
    ids += merged
  }

  /// Words of a natural corpus beyond this count are rare; it bounds the memory to some 10 MB.
  private static let memoryLimit = 1 << 16

  /// Up to 15 bytes and their count in one number; longer pieces are not remembered.
  private static func key(of piece: ArraySlice<UInt8>) -> UInt128? {
    guard piece.count < 16 else { return nil }
    return piece.reduce(UInt128(piece.count)) { $0 << 8 | UInt128($1) }
  }
}

extension Tokenizer {
  /// Merges one piece: always the pair of lowest rank, the leftmost of equals.
  func merge(_ piece: ArraySlice<UInt8>) -> [Int32] {
    var ids = piece.map { idOfByte[Int($0)] }
    while ids.count > 1 {
      var best: (index: Int, merge: Merge)?
      for index in 0..<(ids.count - 1) {
        guard let merge = merges[Self.pair(ids[index], ids[index + 1])] else { continue }
        if best.map({ merge.rank < $0.merge.rank }) ?? true { best = (index, merge) }
      }
      guard let best else { break }
      ids[best.index] = best.merge.result
      ids.remove(at: best.index + 1)
    }
    return ids
  }
}
