/// Puts a configuration together: flag over environment over file over default.
///
/// Overrides edit the YAML tree before it is decoded, so one strict decoder judges all values and
/// every error names the file, flag or variable that is to blame.
package struct ConfigurationResolver: Sendable {
  /// A built-in preset, `path.yml` or `path.yml:preset`.
  package var source: String
  package var environment: [String: String]
  /// Variables with the prefix `GPTJ_BENCH_` that are not settings.
  package var otherVariables: [String]
  /// In order; later ones win.
  package var overrides: [ConfigurationOverride]

  package init(
    _ source: String, environment: [String: String] = [:], otherVariables: [String] = [],
    overrides: [ConfigurationOverride] = []
  ) {
    self.source = source
    self.environment = environment
    self.otherVariables = otherVariables
    self.overrides = overrides
  }

  /// The whole configuration, checked.
  package func resolve<Document: ConfigurationDocument>(
    _ type: Document.Type = Document.self
  ) throws(ConfigurationError) -> Document {
    var tree = try base(Document.presetFile)
    let variables = try ConfigurationEnvironment.overrides(
      for: type, from: environment, others: otherVariables)
    for override in variables + overrides { tree = try tree.setting(override) }
    return try Document.decode(tree)
  }

  /// What the source names, before any override.
  private func base(_ builtIn: PresetFile) throws(ConfigurationError) -> YAMLNode {
    guard let (path, preset) = file else { return try builtIn.preset(named: source) }
    return try PresetFile.configuration(
      in: YAMLNode.parse(path: path), preset: preset, origin: Place("--config \(source)"))
  }

  /// The path and the preset of a source that looks like a file; nil for the name of a preset.
  private var file: (path: String, preset: String?)? {
    for suffix in [".yml:", ".yaml:"] {
      guard let range = source.ranges(of: suffix).last else { continue }
      let preset = source[range.upperBound...]
      // A slash behind the colon: the colon is part of a folder's name.
      if !preset.isEmpty, !preset.contains("/") {
        return (String(source[..<range.upperBound].dropLast()), String(preset))
      }
    }
    let isFile = source.contains("/") || source.hasSuffix(".yml") || source.hasSuffix(".yaml")
    return isFile ? (source, nil) : nil
  }
}
