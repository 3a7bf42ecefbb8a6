import NearestName

extension MappingReader {
  /// A string; a number, true, false or null must be quoted to be one.
  package mutating func string(
    _ key: String, default fallback: String? = nil, oneOf choices: [String]? = nil
  ) throws(ConfigurationError) -> String {
    if let fallback, !has(key) { return fallback }
    let node = try node(key)
    guard case .string(let text) = scalar(node), !text.isEmpty else {
      throw wrongType(node, key, "a string" + (choices.map { ": \(list($0))" } ?? ""))
    }
    guard let choices, !choices.contains(text) else { return text }
    throw ConfigurationError(
      .badValue, at: node.place, "\(name(key)) is \(shown(text))",
      expected: "one of \(list(choices))", didYouMean: nearest(text, in: choices))
  }

  /// A string, nil when the key is missing or null.
  package mutating func optionalString(_ key: String) throws(ConfigurationError) -> String? {
    isNull(key) ? nil : try string(key)
  }

  /// Whether a key is missing or null.
  package mutating func isNull(_ key: String) -> Bool {
    guard let node = optionalNode(key) else { return true }
    return scalar(node) == .null
  }

  /// One case of an enumeration, by its raw value.
  package mutating func choice<Choice>(
    _ key: String, default fallback: Choice? = nil
  ) throws(ConfigurationError) -> Choice
  where Choice: CaseIterable & RawRepresentable<String> {
    if let fallback, !has(key) { return fallback }
    let text = try string(key, oneOf: Choice.allCases.map(\.rawValue))
    guard let choice = Choice(rawValue: text) else {
      preconditionFailure("\(Choice.self) lists a case that its raw value does not make")
    }
    return choice
  }

  /// A list of cases of an enumeration, each once; in the enumeration's order, whatever the file's.
  package mutating func choices<Choice>(
    _ key: String, default fallback: [Choice]? = nil
  ) throws(ConfigurationError) -> [Choice]
  where Choice: CaseIterable & RawRepresentable<String> {
    if let fallback, !has(key) { return fallback }
    let names = Choice.allCases.map(\.rawValue)
    var found: Set<String> = []
    for node in try items(key, count: 1...names.count) {
      guard case .string(let text) = scalar(node), !text.isEmpty else {
        throw wrongType(node, key, "a list of \(list(names))")
      }
      guard names.contains(text) else {
        throw ConfigurationError(
          .badValue, at: node.place, "\(name(key)) has \(shown(text))",
          expected: "some of \(list(names))", didYouMean: nearest(text, in: names))
      }
      guard found.insert(text).inserted else {
        throw ConfigurationError(
          .badValue, at: node.place, "\(name(key)) has \(shown(text)) twice", expected: "it once")
      }
    }
    return Choice.allCases.filter { found.contains($0.rawValue) }
  }

  package mutating func bool(
    _ key: String, default fallback: Bool? = nil
  ) throws(ConfigurationError) -> Bool {
    if let fallback, !has(key) { return fallback }
    let node = try node(key)
    guard case .bool(let value) = scalar(node) else { throw wrongType(node, key, "true or false") }
    return value
  }

  package mutating func int(
    _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(ConfigurationError) -> Int {
    if let fallback, !has(key) { return fallback }
    return try int(node(key), key, in: range)
  }

  /// A number; integers are numbers too.
  package mutating func double(
    _ key: String, default fallback: Double? = nil,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(ConfigurationError) -> Double {
    if let fallback, !has(key) { return fallback }
    return try double(node(key), key, in: range)
  }

  /// A list of integers, all in the range.
  package mutating func ints(
    _ key: String, default fallback: [Int]? = nil, in range: ClosedRange<Int>,
    count: ClosedRange<Int> = 1...1024
  ) throws(ConfigurationError) -> [Int] {
    if let fallback, !has(key) { return fallback }
    var values: [Int] = []
    for node in try items(key, count: count) { values.append(try int(node, key, in: range)) }
    return values
  }

  /// A list of numbers, all in the range.
  package mutating func doubles(
    _ key: String, default fallback: [Double]? = nil, in range: ClosedRange<Double>,
    count: ClosedRange<Int> = 1...1024
  ) throws(ConfigurationError) -> [Double] {
    if let fallback, !has(key) { return fallback }
    var values: [Double] = []
    for node in try items(key, count: count) { values.append(try double(node, key, in: range)) }
    return values
  }

  /// A list of strings.
  package mutating func strings(
    _ key: String, default fallback: [String]? = nil, count: ClosedRange<Int> = 1...1024
  ) throws(ConfigurationError) -> [String] {
    if let fallback, !has(key) { return fallback }
    var values: [String] = []
    for node in try items(key, count: count) {
      guard case .string(let text) = scalar(node), !text.isEmpty else {
        throw wrongType(node, key, "a list of strings")
      }
      values.append(text)
    }
    return values
  }

  private mutating func items(
    _ key: String, count: ClosedRange<Int>
  ) throws(ConfigurationError) -> [YAMLNode] {
    let items = try nodes(key)
    guard !count.contains(items.count) else { return items }
    throw ConfigurationError(
      .badValue, at: place(of: key), "\(name(key)) has \(items.count) values",
      expected: "from \(count.lowerBound) to \(count.upperBound)")
  }

  private func int(
    _ node: YAMLNode, _ key: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int {
    let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
    switch scalar(node) {
    case .int(let value) where range.contains(value): return value
    case .int, .oversizedInt: throw outOfRange(node, key, expected)
    default: throw wrongType(node, key, expected)
    }
  }

  private func double(
    _ node: YAMLNode, _ key: String, in range: ClosedRange<Double>
  ) throws(ConfigurationError) -> Double {
    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
    let value: Double
    switch scalar(node) {
    case .int(let integer): value = Double(integer)
    case .float(let number): value = number
    case .oversizedInt: throw outOfRange(node, key, expected)
    default: throw wrongType(node, key, expected)
    }
    // Not a number is in no range.
    guard range.contains(value), value.isFinite else { throw outOfRange(node, key, expected) }
    return value
  }

  private func outOfRange(
    _ node: YAMLNode, _ key: String, _ expected: String
  ) -> ConfigurationError {
    ConfigurationError(
      .badValue, at: node.place, "\(name(key)) is \(node.kind)", expected: expected)
  }

  private func scalar(_ node: YAMLNode) -> YAMLScalar? {
    guard case .scalar(let text, let isPlain) = node.value else { return nil }
    return YAMLScalar(text, isPlain: isPlain)
  }

  private func list(_ choices: [String]) -> String { choices.joined(separator: ", ") }
}
