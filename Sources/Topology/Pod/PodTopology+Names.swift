import Configuration
import Glibc
import NearestName

extension PodTopology {
  /// The built-in topologies, from the smallest to the largest; each is a file of `topologies/`.
  package static let builtInNames = builtIn.map(\.name)

  private static let builtIn: [(name: String, bytes: [UInt8])] = [
    ("pod4", PackageResources.pod4_yml),
    ("pod16-classic", PackageResources.pod16_classic_yml),
    ("pod16", PackageResources.pod16_yml),
    ("pod64", PackageResources.pod64_yml),
    ("pod256", PackageResources.pod256_yml),
  ]

  /// Finds and reads a topology: a built-in one, a path, or one of the user's own by its name.
  ///
  /// What contains `/` or ends in `.yml` or `.yaml` is a path. Built-in names come first, so that a
  /// file of the user's cannot silently change what `pod16` means; then
  /// `$XDG_DATA_HOME/gptj-bench/topologies/NAME.yml`.
  package static func named(_ name: String) throws(TopologyError) -> PodTopology {
    try named(name, environment: variable)
  }

  /// The same with the environment as an argument.
  static func named(
    _ name: String, environment: (String) -> String?
  ) throws(TopologyError) -> PodTopology {
    if name.contains("/") || name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
      return try file(name)
    }
    if let known = builtIn.first(where: { $0.name == name }) {
      let place = "topologies/\(name).yml"
      return try read { () throws(ConfigurationError) in
        try YAMLNode.parse(bytes: known.bytes, file: place)
      }
    }
    if let own = ownFile(name, environment), access(own, F_OK) == 0 { return try file(own) }
    throw .unknownName(name, known: builtInNames, didYouMean: nearest(name, in: builtInNames))
  }

  private static func file(_ path: String) throws(TopologyError) -> PodTopology {
    try read { () throws(ConfigurationError) in try YAMLNode.parse(path: path) }
  }

  private static func read(
    _ parse: () throws(ConfigurationError) -> YAMLNode
  ) throws(TopologyError) -> PodTopology {
    do throws(ConfigurationError) {
      return try PodTopology(parse())
    } catch {
      throw .file(error)
    }
  }

  /// Where a user keeps a topology of that name; nil without a home.
  ///
  /// The XDG base directory specification has relative paths ignored.
  private static func ownFile(_ name: String, _ environment: (String) -> String?) -> String? {
    func absolute(_ key: String) -> String? {
      environment(key).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let data = absolute("XDG_DATA_HOME") ?? absolute("HOME").map { "\($0)/.local/share" }
    guard let data, !name.isEmpty else { return nil }
    return "\(data)/gptj-bench/topologies/\(name).yml"
  }
}

private func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
