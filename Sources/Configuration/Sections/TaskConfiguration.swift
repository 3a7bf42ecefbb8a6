import NearestName

/// How the rows of a data file become training texts; key `task`.
package struct TaskConfiguration: Sendable, Equatable {
  /// How texts are cut into sequences.
  package enum Packing: String, Sendable, CaseIterable {
    /// Blocks of one token more than a sequence: every token of a sequence has a label.
    case reference
    /// Blocks of one sequence, as in transformers' run_clm.py: the last token has no label.
    case runCLM = "run_clm"
  }

  package var prompt = PromptTemplate.mnli
  /// The answers in the order of their numbers in files; nil when any text is an answer.
  package var labels: [String]? = Self.mnliLabels
  /// The column of a placeholder, where a file calls it otherwise.
  package var columns: [String: String] = [:]
  package var packing = Packing.reference

  /// Labels 0, 1 and 2 of "multi_nli" and "glue" on the hub.
  private static let mnliLabels = ["entailment", "neutral", "contradiction"]

  /// The reference's task, MNLI.
  package init() {}

  init(_ section: MappingReader) throws(ConfigurationError) {
    var section = section
    if section.has("prompt") { prompt = try section.prompt("prompt") }
    if section.has("labels") {
      labels = try section.labels("labels")
    } else if prompt != .mnli {
      // Another prompt asks for other answers than MNLI's.
      labels = nil
    }
    columns = try section.columns("columns", of: prompt)
    packing = try section.choice("packing", default: packing)
    try section.finish()
  }

  var yaml: YAMLNode {
    YAMLNode([
      ("prompt", YAMLNode(prompt.text)),
      ("labels", labels.map { YAMLNode($0) } ?? YAMLNode(nil as String?)),
      (
        "columns", YAMLNode(columns.sorted { $0.key < $1.key }.map { ($0.key, YAMLNode($0.value)) })
      ),
      ("packing", YAMLNode(packing.rawValue)),
    ])
  }
}

extension MappingReader {
  fileprivate mutating func prompt(_ key: String) throws(ConfigurationError) -> PromptTemplate {
    let text = try string(key)
    do {
      return try PromptTemplate(text)
    } catch {
      throw ConfigurationError(
        .badValue, at: place(of: key), "\(name(key)) \(error.what)", expected: error.expected)
    }
  }

  /// Different words that survive the stripping of an answer; nil when null.
  fileprivate mutating func labels(_ key: String) throws(ConfigurationError) -> [String]? {
    guard !isNull(key) else { return nil }
    let labels = try strings(key)
    var seen: Set<[UInt8]> = []
    for label in labels {
      let isNumber = label.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      let problem: String? =
        if !seen.insert(Array(label.utf8)).inserted {
          "twice"
        } else if label.first?.isWhitespace == true || label.last?.isWhitespace == true {
          "with space at an end, which is stripped from answers"
        } else if label.contains(PromptTemplate.endOfText) {
          "with the end of the text in it"
        } else if isNumber {
          "which could also be the place of another label"
        } else {
          nil
        }
      guard let problem else { continue }
      throw ConfigurationError(
        .badValue, at: place(of: key), "\(name(key)) has \(shown(label)) \(problem)",
        expected: "different words")
    }
    return labels
  }

  /// A mapping from placeholders to columns.
  fileprivate mutating func columns(
    _ key: String, of prompt: PromptTemplate
  ) throws(ConfigurationError) -> [String: String] {
    var section = try self.section(key)
    var columns: [String: String] = [:]
    for placeholder in prompt.inputs + [prompt.target] where section.has(placeholder) {
      columns[placeholder] = try section.string(placeholder)
    }
    try section.finish()
    return columns
  }
}
