import FoundationEssentials

extension EntailmentRows {
  /// Reads one JSON object a line.
  mutating func readJSONLines(of bytes: [UInt8]) throws(DatasetsError) {
    var lines = TextLines(bytes)
    let decoder = JSONDecoder()
    while let line = lines.next() {
      let record: EntailmentRecord
      do {
        record = try decoder.decode(EntailmentRecord.self, from: Data(line.bytes))
      } catch {
        throw .malformed(
          file: file, line: line.number, problem: EntailmentRecord.problem(error, in: line.bytes))
      }
      try append(
        premise: record.premise, hypothesis: record.hypothesis, label: record.label,
        genre: record.genre, line: line.number)
    }
  }
}

/// One object of a file of JSON lines; keys that are not read may have any value.
private struct EntailmentRecord: Decodable {
  let premise, hypothesis, label, genre: String

  /// What is wrong with an object that is JSON.
  private struct Problem: Error {
    let text: String
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
      self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
  }

  private typealias Object = KeyedDecodingContainer<Key>

  init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    premise = try Self.text(.premise, of: object)
    hypothesis = try Self.text(.hypothesis, of: object)
    label = try Self.label(of: object)
    genre = Self.key(.genre, of: object) == nil ? "" : try Self.text(.genre, of: object)
  }

  /// What to say of an error thrown while `line` was decoded.
  static func problem(_ error: any Error, in line: ArraySlice<UInt8>) -> String {
    if let problem = error as? Problem { return problem.text }
    let start = brief(String(decoding: line.prefix(200), as: UTF8.self))
    return "expected a JSON object on one line, found \(start)"
  }

  private static func key(_ column: EntailmentColumn, of object: Object) -> Key? {
    column.names.lazy.map(Key.init(stringValue:)).first(where: object.contains)
  }

  private static func required(_ column: EntailmentColumn, of object: Object) throws -> Key {
    if let key = key(column, of: object) { return key }
    let names = object.allKeys.map(\.stringValue).sorted()
    throw Problem(text: "the object has " + column.isMissing(among: names))
  }

  private static func text(_ column: EntailmentColumn, of object: Object) throws -> String {
    let key = try required(column, of: object)
    do {
      return try object.decode(String.self, forKey: key)
    } catch DecodingError.typeMismatch, DecodingError.valueNotFound {
      throw Problem(text: "'\(key.stringValue)' must be a string")
    } catch {
      throw Problem(text: "'\(key.stringValue)' has a broken escape or a control character")
    }
  }

  /// The label as text: "1" for 1, "" for null.
  private static func label(of object: Object) throws -> String {
    let key = try required(.label, of: object)
    if let number = try? object.decode(Int.self, forKey: key) { return String(number) }
    if let word = try? object.decode(String.self, forKey: key) { return word }
    if try object.decodeNil(forKey: key) { return "" }
    throw Problem(
      text: "'\(key.stringValue)' must be entailment, neutral, contradiction, or 0, 1, 2")
  }
}
