/// Any value of a JSON file, for files whose keys are not all known.
enum JSONValue: Equatable, Decodable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Null, false, or a list or object without anything in it.
  var isOff: Bool {
    self == .null || self == .bool(false) || self == .array([]) || self == .object([:])
  }
}

extension JSONValue: CustomStringConvertible {
  /// As a message may show it: in short.
  var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
    case .string(let value): quoted(value)
    case .array(let values): "a list of \(values.count)"
    case .object(let values): "an object of \(values.count) keys"
    }
  }
}
