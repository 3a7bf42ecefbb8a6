/// One value of a YAML document, with the place where it was written.
package struct YAMLNode: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    /// `isPlain` tells `5`, a number, from `"5"`, a string.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// In the order of the file; keys are unique.
    case mapping([Entry])
  }

  /// A key of a mapping and its value.
  package struct Entry: Sendable, Equatable {
    package var key: String
    package var keyPlace: Place
    package var node: YAMLNode

    package init(key: String, keyPlace: Place, node: YAMLNode) {
      self.key = key
      self.keyPlace = keyPlace
      self.node = node
    }
  }

  package var value: Value
  package var place: Place

  package init(_ value: Value, at place: Place) {
    self.value = value
    self.place = place
  }

  /// The entries of a mapping, nil for other nodes.
  package var entries: [Entry]? {
    if case .mapping(let entries) = value { entries } else { nil }
  }

  /// The value of a key of a mapping, nil when there is none.
  package subscript(_ key: String) -> YAMLNode? {
    entries?.first { $0.key == key }?.node
  }

  /// What the node is, for messages: "a list", "the number 5".
  package var kind: String {
    switch value {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let text, let isPlain):
      switch YAMLScalar(text, isPlain: isPlain) {
      case .null: "null"
      case .bool(let value): "\(value)"
      case .int, .oversizedInt, .float: "the number \(shown(text))"
      case .string: "the string \(shown(text))"
      }
    }
  }
}

/// The type of a scalar by the core schema of YAML 1.2; `yes`, `no`, `on` and `off` are strings.
enum YAMLScalar: Equatable {
  case null
  case bool(Bool)
  case int(Int)
  /// Written as an integer, but beyond 64 bits.
  case oversizedInt
  /// May be infinite or not a number.
  case float(Double)
  case string(String)

  init(_ text: String, isPlain: Bool) {
    guard isPlain else {
      self = .string(text)
      return
    }
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .bool(true)
    case "false", "False", "FALSE": self = .bool(false)
    default: self = Self.number(text) ?? .string(text)
    }
  }

  private static func number(_ text: String) -> YAMLScalar? {
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
    case ".nan", ".NaN", ".NAN": return .float(.nan)
    default: break
    }
    if text.hasPrefix("0o") { return integer(text.dropFirst(2), digits: "0"..."7", radix: 8) }
    if text.hasPrefix("0x") { return integer(text.dropFirst(2), digits: "0"..."f", radix: 16) }
    let unsigned = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
    if let value = integer(unsigned, digits: "0"..."9", radix: 10) {
      return value == .oversizedInt ? value : Int(text).map { .int($0) }
    }
    // Double's own grammar also has hexadecimal, `inf` and `nan`; these letters rule them out.
    guard text.utf8.allSatisfy({ "0123456789.eE+-".utf8.contains($0) }) else { return nil }
    return Double(text).map { .float($0) }
  }

  /// Digits without a sign; nil when there is anything else.
  private static func integer(
    _ text: Substring, digits: ClosedRange<Character>, radix: Int
  ) -> YAMLScalar? {
    let isNumber = text.allSatisfy { character in
      character.isASCII && character.isHexDigit
        && digits.contains(Character(character.lowercased()))
    }
    guard isNumber, !text.isEmpty else { return nil }
    return Int(text, radix: radix).map { .int($0) } ?? .oversizedInt
  }
}
