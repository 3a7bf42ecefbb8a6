import NearestName

/// Settings from the environment: `GPTJ_BENCH_MODEL_LAYERS=2` sets `model.layers`.
enum ConfigurationEnvironment {
  static let prefix = "GPTJ_BENCH_"
  /// Where the tests find real data; no setting.
  static let testData = "GPTJ_BENCH_TEST_DATA"

  static func variable(for path: String) -> String {
    prefix + path.uppercased().replacing(".", with: "_")
  }

  /// The overrides for one kind of configuration, sorted by variable.
  ///
  /// Settings of the other kind are left alone: the same environment serves both. Any other
  /// variable with the prefix that is not in `others` is an error.
  static func overrides<Document: ConfigurationDocument>(
    for _: Document.Type, from environment: [String: String], others: [String]
  ) throws(ConfigurationError) -> [ConfigurationOverride] {
    var pathOfVariable: [String: String] = [:]
    for path in Document.settings { pathOfVariable[variable(for: path)] = path }
    let foreign =
      (FineTuningConfiguration.settings + InferenceSessionConfiguration.settings)
      .map(variable) + others + [testData]
    var overrides: [ConfigurationOverride] = []
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
      if let path = pathOfVariable[name] {
        overrides.append(ConfigurationOverride(path: path, value: value, origin: name))
      } else if !foreign.contains(name) {
        throw ConfigurationError(
          .unknownName, at: Place(name), "this variable sets nothing",
          didYouMean: nearest(name, in: foreign.sorted()))
      }
    }
    return overrides
  }
}
