/// One option, flag or argument of a command: what may be typed, and where the value goes.
struct ArgumentDefinition {
  enum Kind {
    case option
    case flag
    case positional
  }

  var kind: Kind
  /// With dashes, short before long; empty for positional arguments.
  var names: [String] = []
  /// Names that switch a flag off: `--no-color`.
  var offNames: [String] = []
  var valueName: String
  var abstract: String
  var defaultValue: String?
  var allValues: [String] = []
  var expectation = ""
  var isRequired = false
  /// Takes any number of values, each time it is given or, for arguments, in a row.
  var isRepeating = false
  /// The title of its group, nil for the command's own.
  var group: String?
  /// Stores a word; false when the word is no such value.
  var store: (String) -> Bool = { _ in true }
  /// Stores a flag.
  var storeFlag: (Bool) -> Void = { _ in }

  /// The name for messages: `--layers <layers>` or `<path>`.
  var label: String {
    switch kind {
    case .option: "\(names.last ?? "") <\(valueName)>"
    case .flag: names.last ?? ""
    case .positional: "<\(valueName)>"
    }
  }
}

/// What the property wrappers have in common for discovery.
protocol ArgumentSource {
  func definitions(property: String) -> [ArgumentDefinition]
  /// Runs the `validate()` of what it contains.
  func validate() throws
}

extension ArgumentSource {
  func validate() throws {}
}

/// The wrappers of a value's properties, in the order of their declaration, by property name.
func argumentSources(of value: Any) -> [(property: String, source: any ArgumentSource)] {
  Mirror(reflecting: value).children.compactMap { child in
    guard let label = child.label, let source = child.value as? any ArgumentSource else {
      return nil
    }
    // The storage of a wrapped property `layers` is named `_layers`.
    return (label.hasPrefix("_") ? String(label.dropFirst()) : label, source)
  }
}

/// All definitions of a command or option group.
func argumentDefinitions(of value: Any) -> [ArgumentDefinition] {
  let all = argumentSources(of: value).flatMap { $0.source.definitions(property: $0.property) }
  var seen: Set<String> = []
  for name in all.flatMap({ $0.names + $0.offNames }) {
    precondition(seen.insert(name).inserted, "\(type(of: value)) declares \(name) twice")
  }
  return all
}

/// The storage of a wrapper: Mirror gives copies, so the parser writes through a reference.
///
/// The wrappers replace their storage when code assigns to them, so commands keep value semantics.
final class Storage<Value> {
  /// Nil for a required value before it is parsed.
  var value: Value?

  init(_ value: Value?) { self.value = value }

  /// The value, which parsing has made sure of.
  var unwrapped: Value {
    guard let value else {
      preconditionFailure("a required value was read from a command that was not parsed")
    }
    return value
  }
}
