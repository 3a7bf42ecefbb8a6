/// One setting from a flag or a variable.
package struct ConfigurationOverride: Sendable, Equatable {
  /// The dotted path, such as `model.layers`.
  package var path: String
  /// The value as in YAML: `2`, `true`, `[0.2]`, `"5"`.
  package var value: String
  /// The flag or variable as the user knows it; the place of its errors.
  package var origin: String

  package init(path: String, value: String, origin: String) {
    self.path = path
    self.value = value
    self.origin = origin
  }

  /// Splits `model.layers=2`, the argument of `flag`.
  package init(assignment: String, flag: String = "--set") throws(ConfigurationError) {
    let origin = "\(flag) \(assignment)"
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw ConfigurationError(
        .syntax, at: Place(origin), "no setting", expected: "KEY=VALUE, such as model.layers=2")
    }
    self.init(
      path: String(assignment[..<equals]),
      value: String(assignment[assignment.index(after: equals)...]), origin: origin)
  }

  /// The environment variable that sets a dotted path.
  package static func variable(for path: String) -> String {
    ConfigurationEnvironment.variable(for: path)
  }

  /// The value as a node at the override's own place.
  func node() throws(ConfigurationError) -> YAMLNode {
    let place = Place(origin)
    // Lists, mappings and quoted strings are YAML; any other text is one plain word, so that paths
    // with `: ` or ` #` in them need no care.
    guard let first = value.first, "[{\"'".contains(first) else {
      return YAMLNode(.scalar(value, isPlain: true), at: place)
    }
    do {
      return try YAMLNode.parse(text: value, file: origin).moved(to: place)
    } catch {
      throw ConfigurationError(
        error.cause, at: place, error.what, expected: error.expected,
        didYouMean: error.suggestion)
    }
  }
}

extension YAMLNode {
  /// The tree with one setting replaced or added; the sections on the way are made where missing.
  ///
  /// Whether the setting exists is left to the decoder.
  func setting(_ override: ConfigurationOverride) throws(ConfigurationError) -> YAMLNode {
    let keys = override.path.split(separator: ".", omittingEmptySubsequences: false)
    // The deepest setting has three keys; the limit bounds the recursion.
    guard keys.count <= 8, keys.allSatisfy({ !$0.isEmpty }) else {
      throw ConfigurationError(
        .unknownKey, at: Place(override.origin), "the unknown setting \(shown(override.path))",
        expected: "a dotted path such as model.layers")
    }
    return try setting(keys[...], to: override.node(), override)
  }

  private func setting(
    _ keys: ArraySlice<Substring>, to value: YAMLNode, _ override: ConfigurationOverride
  ) throws(ConfigurationError) -> YAMLNode {
    guard let first = keys.first else { return value }
    let place = Place(override.origin)
    guard var entries else {
      throw ConfigurationError(
        .wrongType, at: place, "\(shown(override.path)) passes through \(kind)",
        expected: "a section")
    }
    let key = String(first)
    let index = entries.firstIndex { $0.key == key }
    let child = index.map { entries[$0].node } ?? YAMLNode(.mapping([]), at: place)
    let changed = try child.setting(keys.dropFirst(), to: value, override)
    if let index {
      entries[index].node = changed
    } else {
      entries.append(Entry(key: key, keyPlace: place, node: changed))
    }
    return YAMLNode(.mapping(entries), at: self.place)
  }

  /// The same values at one place; the depth is bounded by the parser.
  fileprivate func moved(to place: Place) -> YAMLNode {
    switch value {
    case .scalar: YAMLNode(value, at: place)
    case .sequence(let items): YAMLNode(.sequence(items.map { $0.moved(to: place) }), at: place)
    case .mapping(let entries):
      YAMLNode(
        .mapping(
          entries.map { Entry(key: $0.key, keyPlace: place, node: $0.node.moved(to: place)) }),
        at: place)
    }
  }
}
