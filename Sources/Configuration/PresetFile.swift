import NearestName

/// A file of presets that is embedded in the binary.
package struct PresetFile: Sendable {
  /// Its name in `config/`.
  package var name: String
  package var bytes: [UInt8]

  /// The names of its presets, in the order of the file.
  package func presets() throws(ConfigurationError) -> [String] {
    try Self.presets(in: YAMLNode.parse(bytes: bytes, file: "config/\(name)")).entries?
      .map(\.key) ?? []
  }

  func preset(named name: String) throws(ConfigurationError) -> YAMLNode {
    let tree = try YAMLNode.parse(bytes: bytes, file: "config/\(self.name)")
    return try Self.preset(named: name, in: tree, origin: Place("--config \(name)"))
  }

  /// The configuration that `--config` names in a file of the user's.
  ///
  /// A file is either one configuration, as `--print-config` prints it, or a list of presets under
  /// `release`; of several presets, one has to be named.
  static func configuration(
    in tree: YAMLNode, preset: String?, origin: Place
  ) throws(ConfigurationError) -> YAMLNode {
    guard tree["release"] != nil else {
      guard let preset else { return tree }
      throw ConfigurationError(
        .unknownName, at: origin, "no preset \(shown(preset)): the file has no key 'release'",
        expected: "the file without ':\(preset)'")
    }
    if let preset { return try Self.preset(named: preset, in: tree, origin: origin) }
    let presets = try presets(in: tree).entries ?? []
    if presets.count == 1 { return presets[0].node }
    throw ConfigurationError(
      .unknownName, at: origin, "the file has \(presets.count) presets",
      expected: "FILE:PRESET with one of \(presets.map { shown($0.key) }.joined(separator: ", "))")
  }

  private static func presets(in tree: YAMLNode) throws(ConfigurationError) -> YAMLNode {
    var root = try MappingReader(tree)
    let release = try root.node("release")
    try root.finish()
    guard release.entries != nil else {
      throw ConfigurationError(
        .wrongType, at: release.place, "release is \(release.kind)",
        expected: "a mapping of presets")
    }
    return release
  }

  private static func preset(
    named name: String, in tree: YAMLNode, origin: Place
  ) throws(ConfigurationError) -> YAMLNode {
    let presets = try presets(in: tree)
    if let preset = presets[name] { return preset }
    let names = presets.entries?.map(\.key) ?? []
    throw ConfigurationError(
      .unknownName, at: origin, "no preset \(shown(name))",
      expected: "one of \(names.joined(separator: ", ")), or a path of a .yml file",
      didYouMean: nearest(name, in: names))
  }
}
