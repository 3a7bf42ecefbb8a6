import NearestName

/// Reads the keys of one mapping by type, and refuses the keys that nobody asked for.
///
/// A getter without a default requires its key. Every getter throws ``ConfigurationError`` with the
/// place of the value. Call ``finish()`` last.
package struct MappingReader {
  /// The dotted path from the root, empty for the root itself.
  package let path: String
  /// Where the mapping begins.
  package let place: Place
  private let entries: [YAMLNode.Entry]
  private let sectionsOfKey: [String: [String]]
  private var asked: [String] = []

  /// Starts reading a mapping.
  ///
  /// `sectionsOfKey` maps keys to the paths of the sections where they are legal (empty for the
  /// root), so that a key in the wrong section is answered with the right one. Nested readers
  /// inherit it.
  package init(
    _ node: YAMLNode, path: String = "", sectionsOfKey: [String: [String]] = [:]
  ) throws(ConfigurationError) {
    guard let entries = node.entries else {
      let name = path.isEmpty ? "the file" : path
      throw ConfigurationError(
        .wrongType, at: node.place, "\(name) is \(node.kind)", expected: "a mapping")
    }
    self.path = path
    self.place = node.place
    self.entries = entries
    self.sectionsOfKey = sectionsOfKey
  }

  /// The keys as written, in order; for mappings whose keys are names that the user chose.
  package var keys: [String] { entries.map(\.key) }

  /// Whether the key is written; asking makes it known.
  package mutating func has(_ key: String) -> Bool { optionalNode(key) != nil }

  /// The value of a key, whatever it is; nil when it is not written.
  package mutating func optionalNode(_ key: String) -> YAMLNode? {
    if !asked.contains(key) { asked.append(key) }
    return entries.first { $0.key == key }?.node
  }

  /// The value of a required key, whatever it is.
  package mutating func node(_ key: String) throws(ConfigurationError) -> YAMLNode {
    if let node = optionalNode(key) { return node }
    let missing = "the key '\(name(key))' is missing"
    // A mistyped key is the likeliest reason for a missing one, so its place is the better one.
    let typo = entries.first { entry in
      !asked.contains(entry.key) && nearest(entry.key, in: [key]) != nil
    }
    guard let typo else { throw ConfigurationError(.missingKey, at: place, missing) }
    throw ConfigurationError(
      .missingKey, at: typo.keyPlace, missing + ", \(shown(typo.key)) is here",
      didYouMean: key)
  }

  /// A nested mapping as a reader, which has to be finished too.
  package mutating func mapping(_ key: String) throws(ConfigurationError) -> MappingReader {
    try nested(node(key), name(key))
  }

  /// A nested mapping, nil when its key is not written.
  package mutating func optionalMapping(
    _ key: String
  ) throws(ConfigurationError) -> MappingReader? {
    guard let node = optionalNode(key) else { return nil }
    return try nested(node, name(key))
  }

  /// A nested mapping, empty when its key is not written: every key then has its default.
  package mutating func section(_ key: String) throws(ConfigurationError) -> MappingReader {
    let node = optionalNode(key) ?? YAMLNode(.mapping([]), at: place)
    return try nested(node, name(key))
  }

  /// A required list of anything.
  package mutating func nodes(_ key: String) throws(ConfigurationError) -> [YAMLNode] {
    let node = try node(key)
    guard case .sequence(let items) = node.value else {
      throw wrongType(node, key, "a list")
    }
    return items
  }

  /// A required list of mappings, each as a reader that has to be finished too.
  package mutating func mappings(_ key: String) throws(ConfigurationError) -> [MappingReader] {
    var readers: [MappingReader] = []
    for (index, node) in try nodes(key).enumerated() {
      readers.append(try nested(node, "\(name(key))[\(index)]"))
    }
    return readers
  }

  private func nested(
    _ node: YAMLNode, _ path: String
  ) throws(ConfigurationError) -> MappingReader {
    try MappingReader(node, path: path, sectionsOfKey: sectionsOfKey)
  }

  /// Throws on the first key that no getter asked for, naming its section or the nearest key.
  package func finish() throws(ConfigurationError) {
    guard let entry = entries.first(where: { !asked.contains($0.key) }) else { return }
    try refuseMisplaced(entry)
    let known = asked.isEmpty ? "no keys here" : "one of " + asked.joined(separator: ", ")
    throw ConfigurationError(
      .unknownKey, at: entry.keyPlace, "the unknown key \(shown(name(entry.key)))",
      expected: known, didYouMean: nearest(entry.key, in: asked))
  }

  private func refuseMisplaced(_ entry: YAMLNode.Entry) throws(ConfigurationError) {
    let paths = sectionsOfKey[entry.key, default: []]
      .map { $0.isEmpty ? entry.key : "\($0).\(entry.key)" }
      .filter { $0 != path }  // `optimizer` in `training.optimizer` is another mistake
    guard let first = paths.first else { return }
    let sections = sectionsOfKey[entry.key, default: []].map { $0.isEmpty ? "the top level" : $0 }
    throw ConfigurationError(
      .misplacedKey, at: entry.keyPlace,
      "the key \(shown(name(entry.key))) belongs to \(sections.joined(separator: " or "))",
      didYouMean: paths.count == 1 ? first : nil)
  }

  /// The dotted path of a key of this mapping.
  package func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The place of a key's value, or of the mapping when the key is not written.
  package func place(of key: String) -> Place {
    entries.first { $0.key == key }?.node.place ?? place
  }

  func wrongType(_ node: YAMLNode, _ key: String, _ expected: String) -> ConfigurationError {
    ConfigurationError(
      .wrongType, at: node.place, "\(name(key)) is \(node.kind)", expected: expected)
  }
}
