import FoundationEssentials

/// What a user asks the probability of: a text, ids, or a continuation after its context.
package enum ScoringText: Sendable, Equatable {
  case text(String)
  case ids([Int32])
  case continuation(context: String, String)

  /// Reads one JSON object a line: `{"text": "..."}`, `{"ids": [464, 3290]}`, or `{"context": "...",
  /// "continuation": "..."}` as evaluation harnesses ask; other keys are passed over.
  ///
  /// - Throws: `unreadable` for a file that is not there, `malformed` with the line.
  package static func read(jsonLines path: String) throws(DatasetsError) -> [ScoringText] {
    var lines = TextLines(try TextFile.bytes(of: path))
    var texts: [ScoringText] = []
    let decoder = JSONDecoder()
    while let line = lines.next() {
      guard let record = try? decoder.decode(Record.self, from: Data(line.bytes)),
        let text = record.text
      else {
        let start = brief(String(decoding: line.bytes.prefix(200), as: UTF8.self))
        throw .malformed(
          file: path, line: line.number,
          problem: #"expected {"text": "..."}, {"ids": [...]} or {"context": "...", "#
            + #""continuation": "..."} on one line, found \#(start)"#)
      }
      texts.append(text)
    }
    return texts
  }

  private struct Record: Decodable {
    private let whole, context, continuation: String?
    private let ids: [Int32]?

    private enum CodingKeys: String, CodingKey {
      case whole = "text"
      case context, continuation, ids
    }

    /// Nil where the keys are none or several of the three forms.
    var text: ScoringText? {
      switch (whole, ids, context, continuation) {
      case (let text?, nil, nil, nil): .text(text)
      case (nil, let ids?, nil, nil): .ids(ids)
      case (nil, nil, let context?, let text?): .continuation(context: context, text)
      default: nil
      }
    }
  }
}
