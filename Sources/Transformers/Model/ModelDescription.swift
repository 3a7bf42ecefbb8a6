package import Configuration
import NearestName

/// A file of `config/models/`: a transformer, and the plans that its reference runs it with.
package struct ModelDescription: Sendable, Equatable {
  package let model: TransformerModel
  package let summary: String
  /// Where its sizes were read.
  package let source: String
  package let plans: [NamedPlan]

  /// A plan with its name, the pod that it was made for, and where it was read.
  package struct NamedPlan: Sendable, Equatable {
    package let name: String
    package let topology: String
    package let source: String
    package let plan: ExecutionPlan
  }

  package static let builtInNames = ModelFiles.all.map(\.name)

  /// Finds and reads a model: a built-in one, or a path, which contains `/` or ends in `.yml`.
  ///
  /// - Throws: `ConfigurationError`, naming the file, the line and the nearest valid choice.
  package static func named(_ name: String) throws(ConfigurationError) -> ModelDescription {
    if name.contains("/") || name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
      return try ModelDescription(YAMLNode.parse(path: name))
    }
    guard let file = ModelFiles.all.first(where: { $0.name == name }) else {
      throw ConfigurationError(
        .unknownName, at: Place("--model \(name)"), "no such model",
        expected: "one of \(builtInNames.joined(separator: ", ")), or a path of a .yml file",
        didYouMean: nearest(name, in: builtInNames))
    }
    return try ModelDescription(
      YAMLNode.parse(bytes: file.bytes, file: "config/models/\(name).yml"))
  }

  /// The plan of that name, or the first.
  ///
  /// - Throws: `ConfigurationError` where there is no such plan.
  package func plan(named name: String?) throws(ConfigurationError) -> NamedPlan {
    guard let name else { return plans[0] }
    if let plan = plans.first(where: { $0.name == name }) { return plan }
    let names = plans.map(\.name)
    throw ConfigurationError(
      .unknownName, at: Place("--plan \(name)"), "\(model.name) has no such plan",
      expected: "one of \(names.joined(separator: ", "))", didYouMean: nearest(name, in: names))
  }
}
