extension YAMLNode {
  init(_ value: Int) { self.init(plain: "\(value)") }

  init(_ value: Bool) { self.init(plain: "\(value)") }

  /// The shortest decimal that reads back to the same number.
  init(_ value: Double) { self.init(plain: "\(value)") }

  /// A string, or null.
  init(_ value: String?) {
    guard let value else {
      self.init(plain: "null")
      return
    }
    // Only words that need no quotes anywhere are left without them.
    let isWord = value.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII
        && (scalar.properties.isAlphabetic || "0123456789_-./".unicodeScalars.contains(scalar))
    }
    let isPlain =
      isWord && !value.hasPrefix("-") && !value.hasPrefix(".")
      && YAMLScalar(value, isPlain: true) == .string(value)
    self.init(.scalar(value, isPlain: isPlain), at: Place(""))
  }

  init(_ values: [Double]) {
    self.init(.sequence(values.map { YAMLNode($0) }), at: Place(""))
  }

  init(_ values: [String]) {
    self.init(.sequence(values.map { YAMLNode($0) }), at: Place(""))
  }

  init(_ entries: [(key: String, node: YAMLNode)]) {
    let written = entries.map { Entry(key: $0.key, keyPlace: Place(""), node: $0.node) }
    self.init(.mapping(written), at: Place(""))
  }

  private init(plain text: String) {
    self.init(.scalar(text, isPlain: true), at: Place(""))
  }

  /// YAML text: mappings as blocks, lists in brackets on one line.
  package func printed() -> String {
    guard let entries, !entries.isEmpty else { return inline + "\n" }
    var lines: [String] = []
    for entry in entries { entry.print(indentation: "", into: &lines) }
    return lines.joined(separator: "\n") + "\n"
  }

  fileprivate var inline: String {
    switch value {
    case .scalar(let text, let isPlain): isPlain ? text : quoted(text)
    case .sequence(let items): "[" + items.map(\.inline).joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\(quoted($0.key)): \($0.node.inline)" }.joined(separator: ", ") + "}"
    }
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      // YAML takes these for line breaks or refuses them; \U works for all of them.
      case let odd where odd.value < 0x20 || !isPrintable(odd):
        let digits = String(odd.value, radix: 16)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Conservative: what YAML 1.1 prints, less its three extra line breaks and the byte-order mark.
  private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD,
      0x10000...0x10FFFF:
      true
    default: false
    }
  }
}

extension YAMLNode.Entry {
  /// Keys are words of this tool and need no quotes.
  fileprivate func print(indentation: String, into lines: inout [String]) {
    guard let entries = node.entries, !entries.isEmpty else {
      lines.append("\(indentation)\(key): \(node.inline)")
      return
    }
    lines.append("\(indentation)\(key):")
    for entry in entries { entry.print(indentation: indentation + "  ", into: &lines) }
  }
}
