/// A whole configuration: what a preset or a file describes.
package protocol ConfigurationDocument: Sendable, Equatable {
  /// Every setting at its default.
  init()

  /// Reads the sections strictly; does not check them against each other.
  init(_ root: MappingReader) throws(ConfigurationError)

  /// Every setting, also those at their default and those that are null.
  var yaml: YAMLNode { get }

  /// Throws when settings contradict each other.
  func check(_ checker: ConfigurationChecker) throws(ConfigurationError)

  /// Where the built-in presets are.
  static var presetFile: PresetFile { get }
}

extension ConfigurationDocument {
  /// YAML that reads back to this configuration.
  package func printYAML() -> String { yaml.printed() }

  /// Throws when settings that code has changed contradict each other.
  package func check() throws(ConfigurationError) {
    try check(ConfigurationChecker())
  }

  /// The dotted path of every setting, such as `model.attention.heads`, in the printed order.
  package static var settings: [String] { Self().yaml.leaves(under: "") }

  /// For each key, the paths of the sections where it may stand.
  static var sectionsOfKey: [String: [String]] {
    var sections: [String: [String]] = [:]
    Self().yaml.collectSections(path: "", into: &sections)
    return sections
  }

  /// Reads and checks a configuration.
  package static func decode(_ node: YAMLNode) throws(ConfigurationError) -> Self {
    let document = try Self(MappingReader(node, sectionsOfKey: sectionsOfKey))
    try document.check(ConfigurationChecker(tree: node))
    return document
  }
}

extension YAMLNode {
  fileprivate func leaves(under path: String) -> [String] {
    // A mapping without keys of its own takes those of the user.
    guard let entries, !entries.isEmpty else { return [path] }
    return entries.flatMap { $0.node.leaves(under: path.isEmpty ? $0.key : "\(path).\($0.key)") }
  }

  fileprivate func collectSections(path: String, into sections: inout [String: [String]]) {
    for entry in entries ?? [] {
      sections[entry.key, default: []].append(path)
      let below = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      entry.node.collectSections(path: below, into: &sections)
    }
  }
}
