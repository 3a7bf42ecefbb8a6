import Configuration
import FoundationEssentials
import Testing

@testable import Topology

/// The text of the built-in pod16.
private let pod16 = String(decoding: PackageResources.pod16_yml, as: UTF8.self)

/// A mistake made in pod16's file, and what the answer must be.
struct Mistake: CustomTestStringConvertible, Sendable {
  let name: String
  /// Replaced by `wrong`; it occurs once.
  let right: String
  let wrong: String
  /// Text on the line that the error must name, after the change.
  let line: String
  let cause: ConfigurationError.Cause
  let message: [String]

  var testDescription: String { name }

  init(
    _ name: String, _ right: String, _ wrong: String, at line: String,
    _ cause: ConfigurationError.Cause, _ message: String...
  ) {
    (self.name, self.right, self.wrong) = (name, right, wrong)
    (self.line, self.cause, self.message) = (line, cause, message)
  }
}

private let clock = "clock: { value: 1.85, unit: GHz, source: \"MLPerf v2.0"

private let mistakes = [
  Mistake(
    "unknown key", "links:\n", "links:\n  rungs: 2\n", at: "rungs", .unknownKey, "links.rungs"),
  Mistake("mistyped key", "  tiles:", "  tyles:", at: "tyles", .missingKey, "'tiles'"),
  Mistake(
    "mistyped section", "\nmachine:\n", "\nmachin:\n", at: "machin:", .missingKey,
    "did you mean 'machine'?"),
  Mistake(
    "key in the wrong section", "\nmachine:\n", "\nmachine:\n  price: 3\n", at: "price: 3",
    .misplacedKey, "pod.price"),
  Mistake(
    "wrong unit", clock, "clock: { value: 1850, unit: MHz, source: \"", at: "MHz", .badValue,
    "from 0.01 to 20"),
  Mistake(
    "wrong unit of a plausible value", clock, "clock: { value: 1.85, unit: Ghz, source: \"",
    at: "Ghz", .wrongType, "'GHz'"),
  Mistake(
    "missing figure", "  threads_per_tile:", "  # threads_per_tile:", at: "name: Bow",
    .missingKey, "ipu.threads_per_tile"),
  Mistake(
    "missing source", clock, "clock: { value: 1.85, unit: GHz, sauce: \"", at: "sauce",
    .missingKey, "did you mean 'source'?"),
  Mistake(
    "empty source", "source: \"Bow Pod16 datasheet\"", "source: \"\"", at: "  machines:",
    .wrongType, "pod.machines.source"),
  Mistake(
    "negative value", clock, "clock: { value: -1.85, unit: GHz, source: \"", at: "clock",
    .badValue, "from 0.01 to 20"),
  Mistake(
    "absurd value", "value: 1472", "value: 147200000", at: "tiles", .badValue,
    "from 1.0 to 65536.0"),
  Mistake(
    "not a number", "value: 1472", "value: .nan", at: "tiles", .badValue, "ipu.tiles"),
  Mistake(
    "beyond 64 bits", "value: 1472", "value: 99999999999999999999", at: "tiles", .badValue,
    "ipu.tiles"),
  Mistake(
    "a fraction of a tile", "value: 1472", "value: 1472.5", at: "tiles", .badValue,
    "no whole number"),
  Mistake("a word for a number", "value: 1472", "value: many", at: "tiles", .wrongType, "'many'"),
  Mistake(
    "a bare number",
    "{ value: 1472, unit: count, source: \"Bow-2000 datasheet: 5,888 cores "
      + "in 4 IPUs\" }", "1472", at: "tiles", .wrongType, "ipu.tiles", "a mapping"),
  Mistake("unknown kind", "value: mesh", "value: mash", at: "mash", .badValue, "'mesh'"),
  Mistake(
    "duplicate key", "\nipu:\n", "\nipu:\n  name: GC200\n", at: "name: Bow", .duplicateKey, "'name'"
  ),
  Mistake("syntax", "\nmachine:\n", "\nmachine\n", at: "ipus: { value: 4,", .syntax),
  Mistake(
    "IPUs that are no product", "ipus: { value: 16", "ipus: { value: 20", at: "value: 20",
    .inconsistent, "expected 16"),
  Mistake(
    "more ring links than links", "    value: 2\n", "    value: 11\n", at: "value: 11",
    .inconsistent, "links.ring", "at most 10"),
  Mistake(
    "more ring links than leave the machine", "    value: 2\n", "    value: 5\n", at: "value: 5\n",
    .inconsistent, "links.ring", "at most 4"),
  Mistake(
    "more links used than there are", "between_machines: { value: 4",
    "between_machines: { value: 5", at: "  per_ipu:", .inconsistent, "at least 11"),
  Mistake(
    "a domain that does not divide the pod", "    value: 16\n    unit: count\n",
    "    value: 12\n    unit: count\n", at: "value: 12\n", .inconsistent, "links.domain"),
  Mistake(
    "a domain of half a machine", "    value: 16\n    unit: count\n",
    "    value: 2\n    unit: count\n    # here\n", at: "value: 2\n    unit: count\n    # here",
    .inconsistent,
    "a multiple of 4"),
]

@Suite struct TopologyFileTests {
  @Test(arguments: mistakes)
  func `a wrong file is refused with its line and what was expected`(mistake: Mistake) throws {
    #expect(pod16.ranges(of: mistake.right).count == 1, "the change must be unique")
    let text = pod16.replacing(mistake.right, with: mistake.wrong)
    let error = #expect(throws: ConfigurationError.self) {
      try PodTopology(YAMLNode.parse(text: text, file: "my.yml"))
    }
    let found = try #require(error)
    #expect(found.cause == mistake.cause, "\(found)")
    #expect(found.place.file == "my.yml")
    let expected = try #require(text.firstRange(of: mistake.line)).lowerBound
    let line = text[..<expected].count { $0 == "\n" } + 1
    #expect(found.place.line == line, "\(found)")
    for part in mistake.message { #expect("\(found)".contains(part), "\(found)") }
    #expect(TopologyError.file(found).exitStatus == 65)
  }

  @Test func `an alias bomb is refused`() {
    var text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in 1...9 {
      let alias = "*a\(level - 1)"
      text +=
        "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
    }
    let error = #expect(throws: ConfigurationError.self) {
      try PodTopology(YAMLNode.parse(text: text, file: "bomb.yml"))
    }
    #expect(error?.cause == .syntax)
    #expect(error?.place.line ?? 0 > 1)
  }

  @Test func `every figure is needed`() throws {
    let paths = try PodTopology.named("pod16").figures.map(\.path)
    for path in paths {
      let parts = path.split(separator: ".").map(String.init)
      var root = try YAMLNode.parse(text: pod16, file: "pod16.yml")
      root.remove(parts)
      let error = #expect(throws: ConfigurationError.self) { try PodTopology(root) }
      #expect(error?.cause == .missingKey, "\(path)")
      #expect("\(error.map { "\($0)" } ?? "")".contains("'\(path)'"), "\(path)")
    }
  }

  @Test func `an unknown name lists the known ones and the nearest`() {
    let error = #expect(throws: TopologyError.self) { try PodTopology.named("pod61") }
    #expect(error?.exitStatus == 64)
    let text = error.map { "\($0)" } ?? ""
    for name in PodTopology.builtInNames { #expect(text.contains(name)) }
    #expect(text.contains("did you mean 'pod16'?") || text.contains("did you mean 'pod64'?"))
  }

  @Test(arguments: ["./nowhere.yml", "nowhere.yaml", "/nowhere/pod16"])
  func `a missing file is a missing input`(path: String) {
    let error = #expect(throws: TopologyError.self) { try PodTopology.named(path) }
    #expect(error?.exitStatus == 66)
    #expect(error.map { "\($0)".hasPrefix(path) } == true)
  }

  @Test func `a topology of the user's own is found by its name`() throws {
    try withTemporaryFolder { folder in
      let own = folder.appending(path: "gptj-bench/topologies")
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      let text = pod16.replacing("name: pod16", with: "name: mine")
      try Data(text.utf8).write(to: own.appending(path: "mine.yml"))
      let path = folder.path
      let found = try PodTopology.named("mine") { $0 == "XDG_DATA_HOME" ? path : nil }
      #expect(found.name == "mine")
      // The default place below HOME, also when the variable is relative, which is ignored.
      #expect(throws: TopologyError.self) {
        try PodTopology.named("mine") { ["XDG_DATA_HOME": "share", "HOME": path][$0] }
      }
      let share = folder.appending(path: ".local/share")
      try FileManager.default.createDirectory(at: share, withIntermediateDirectories: true)
      try FileManager.default.moveItem(
        at: folder.appending(path: "gptj-bench"), to: share.appending(path: "gptj-bench"))
      let below = try PodTopology.named("mine") { ["XDG_DATA_HOME": "share", "HOME": path][$0] }
      #expect(below.name == "mine")
      #expect(throws: TopologyError.self) { try PodTopology.named("mine") { _ in nil } }
    }
  }
}

/// Runs a body with a folder that is removed afterwards.
private func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "topology-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}

extension YAMLNode {
  /// Removes the entry at a path of keys.
  fileprivate mutating func remove(_ path: [String]) {
    guard case .mapping(var entries) = value, let key = path.first,
      let index = entries.firstIndex(where: { $0.key == key })
    else { return }
    if path.count == 1 {
      entries.remove(at: index)
    } else {
      entries[index].node.remove(Array(path.dropFirst()))
    }
    value = .mapping(entries)
  }
}
