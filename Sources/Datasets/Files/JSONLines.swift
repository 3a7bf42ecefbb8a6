import Configuration
import FoundationEssentials

extension ExampleRows {
  /// Reads one JSON object a line.
  mutating func readJSONLines(of bytes: [UInt8]) throws(DatasetsError) {
    var lines = TextLines(bytes)
    let decoder = JSONDecoder()
    decoder.userInfo[JSONRow.columns] = columns
    while let line = lines.next() {
      do {
        try append(decoder.decode(JSONRow.self, from: Data(line.bytes)).values)
      } catch {
        throw .malformed(
          file: file, line: line.number, problem: JSONRow.problem(error, in: line.bytes))
      }
    }
  }
}

/// One object of a file of JSON lines; keys that are not read may have any value.
private struct JSONRow: Decodable {
  /// In the order of the task's placeholders.
  let values: [String]

  /// Where the decoder carries the task's columns.
  static let columns = CodingUserInfoKey("columns")

  /// What is wrong with an object that is JSON.
  private struct Problem: Error, CustomStringConvertible {
    let description: String
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
    guard let columns = decoder.userInfo[Self.columns] as? TaskColumns else {
      preconditionFailure("the decoder carries the task's columns")
    }
    let object = try decoder.container(keyedBy: Key.self)
    values = try columns.placeholders.map { try Self.value(of: $0, columns, in: object) }
  }

  /// What to say of an error thrown while `line` was decoded.
  static func problem(_ error: any Error, in line: ArraySlice<UInt8>) -> String {
    switch error {
    case let problem as Problem: problem.description
    case let problem as UnknownLabel: problem.description
    default:
      "expected a JSON object on one line, found "
        + brief(String(decoding: line.prefix(200), as: UTF8.self))
    }
  }

  /// A string as it is, a whole number in decimal; null is the empty answer.
  private static func value(
    of placeholder: String, _ columns: TaskColumns, in object: Object
  ) throws -> String {
    let names = columns.names(of: placeholder).lazy.map(Key.init(stringValue:))
    guard let key = names.first(where: object.contains) else {
      let found = object.allKeys.map(\.stringValue).sorted()
      throw Problem(description: "the object has " + columns.missing(placeholder, among: found))
    }
    let labels = placeholder == columns.task.prompt.target ? columns.task.labels : nil
    do {
      return try object.decode(String.self, forKey: key)
    } catch DecodingError.typeMismatch, DecodingError.valueNotFound {
      if let number = try? object.decode(Int.self, forKey: key) { return String(number) }
      if placeholder == columns.task.prompt.target, try object.decodeNil(forKey: key) { return "" }
      let expected =
        labels.map {
          "\($0.prefix(16).joined(separator: ", ")), or a number from 0 to \($0.count - 1)"
        }
        ?? "a string or a whole number"
      throw Problem(description: "'\(key.stringValue)' must be \(expected)")
    } catch {
      throw Problem(
        description: "'\(key.stringValue)' has a broken escape or a control character")
    }
  }
}

extension CodingUserInfoKey {
  /// A key whose name is a constant.
  fileprivate init(_ name: String) {
    guard let key = CodingUserInfoKey(rawValue: name) else {
      preconditionFailure("any string makes a key")
    }
    self = key
  }
}
