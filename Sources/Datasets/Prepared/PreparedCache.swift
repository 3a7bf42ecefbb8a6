import FoundationEssentials

/// A folder of packed training data, a file for each combination of inputs.
///
/// Files are found by the digest of everything that decides their tokens: `prepared-KEY.ids`. They
/// may be deleted at any time. A file is written beside its name and renamed, so that no other run
/// sees half of it, and is checked as a whole before it is used; one that fails is made again.
/// Layout, all numbers little-endian, 64 bits unless said otherwise:
///
/// | byte | what |
/// | ---- | ---- |
/// | 0    | `GPTJPREP` |
/// | 8    | version of this layout and of everything that makes tokens |
/// | 16   | key, low half and high half |
/// | 32   | tokens of one chunk |
/// | 40   | sequences, examples, skipped rows, tokens, dropped tokens |
/// | 80   | XXH3-128 of bytes 0 to 80 and of the ids, each as low and high half |
/// | 112  | zero |
/// | 128  | ids, 32 bits each, chunk after chunk |
package struct PreparedCache: Sendable {
  private let folder: String
  private let report: @Sendable (String) -> Void

  /// Raise it when other tokens come from the same inputs: they are cached by it.
  static let version: UInt64 = 1
  private static let magic = Array("GPTJPREP".utf8)
  private static let headerSize = 128
  private static let checkedSize = 80

  /// `report` is told what is wrong with a file, or why none can be written.
  package init(folder: String, report: @escaping @Sendable (String) -> Void) {
    self.folder = folder
    self.report = report
  }

  /// The folder by the XDG base directory specification, nil where the variables name none.
  package static func standardFolder(_ environment: [String: String]) -> String? {
    func absolute(_ name: String) -> String? {
      environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    return absolute("XDG_CACHE_HOME").map { $0 + "/gptj-bench" }
      ?? absolute("HOME").map { $0 + "/.cache/gptj-bench" }
  }

  func path(_ key: Digest) -> String { "\(folder)/prepared-\(key.text).ids" }

  /// What was kept under this key, nil when there is nothing or it is damaged.
  ///
  /// Reads the file once, to check it; about 10 GB/s.
  func sequences(
    _ key: Digest, _ packing: Packing, _ tokenizer: Tokenizer
  ) -> PackedSequences? {
    guard FileManager.default.fileExists(atPath: path(key)) else { return nil }
    do {
      let file = try MappedFile(path: path(key))
      guard let sequences = Self.sequences(in: file, key, packing, tokenizer) else {
        report("\(path(key)) is damaged; preparing the data again")
        return nil
      }
      return sequences
    } catch {
      report("\(error); preparing the data again")
      return nil
    }
  }

  private static func sequences(
    in file: MappedFile, _ key: Digest, _ packing: Packing, _ tokenizer: Tokenizer
  ) -> PackedSequences? {
    let bytes = file.bytes
    guard bytes.count >= headerSize else { return nil }
    let header = (0..<headerSize / 8).map { field in
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: field * 8, as: UInt64.self))
    }
    let ids = UnsafeRawBufferPointer(rebasing: bytes[headerSize...])
    let checked = Digest(UnsafeRawBufferPointer(rebasing: bytes[..<checkedSize]))
    let content = Digest(ids)
    guard bytes.starts(with: magic), header[1] == version, header[2] == key.low,
      header[3] == key.high, header[10] == checked.low, header[11] == checked.high,
      header[12] == content.low, header[13] == content.high,
      header[4] == UInt64(packing.chunkLength)
    else { return nil }
    let numbers = header[5..<10].compactMap { Int(exactly: $0) }
    guard numbers.count == 5 else { return nil }
    var counts = PackingCounts()
    (counts.sequences, counts.examples, counts.skipped) = (numbers[0], numbers[1], numbers[2])
    (counts.tokens, counts.droppedTokens) = (numbers[3], numbers[4])
    let (size, overflow) = numbers[0].multipliedReportingOverflow(by: 4 * packing.chunkLength)
    guard !overflow, size == ids.count, hasOnlyIDs(of: tokenizer, ids) else { return nil }
    return PackedSequences(
      packing: packing, counts: counts, tokens: .file(file, offset: headerSize))
  }

  /// Whether a model of the tokenizer's vocabulary can look up all of them.
  private static func hasOnlyIDs(of tokenizer: Tokenizer, _ ids: UnsafeRawBufferPointer) -> Bool {
    var largest: UInt32 = 0
    for offset in stride(from: 0, to: ids.count - 3, by: 4) {
      // Negative ones are the largest without a sign.
      let id = ids.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      largest = max(largest, UInt32(littleEndian: id))
    }
    return largest < UInt32(tokenizer.vocabularySize)
  }

  /// Keeps the sequences for other runs; where they cannot be written, that is only reported.
  func keep(_ sequences: PackedSequences, _ key: Digest) {
    guard case .memory(let tokens) = sequences.tokens else { return }
    let ids = tokens.map(\.littleEndian).withUnsafeBytes { Data($0) }
    let content = ids.withUnsafeBytes { Digest($0) }
    let counts = sequences.counts
    var header = Data(Self.magic)
    func append(_ numbers: [UInt64]) {
      for number in numbers {
        Swift.withUnsafeBytes(of: number.littleEndian) { header.append(contentsOf: $0) }
      }
    }
    append([Self.version, key.low, key.high, UInt64(sequences.packing.chunkLength)])
    append(
      [counts.sequences, counts.examples, counts.skipped, counts.tokens, counts.droppedTokens]
        .map(UInt64.init))
    let checked = header.withUnsafeBytes { Digest($0) }
    append([checked.low, checked.high, content.low, content.high, 0, 0])
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try (header + ids).write(to: URL(filePath: path(key)), options: .atomic)
    } catch {
      report("the prepared data are not kept: \(path(key)) cannot be written")
    }
  }
}
