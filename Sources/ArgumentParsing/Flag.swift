/// Whether a flag has a name that switches it off.
package enum FlagInversion {
  case none
  /// `--progress` and `--no-progress`; the last one wins.
  case prefixedNo
}

/// A property that `--name` switches on.
@propertyWrapper
package struct Flag {
  private var storage: Storage<Bool>
  private let parsed: Storage<Bool>
  private let initial: Bool
  private let names: NameSpecification
  private let inversion: FlagInversion
  private let help: ArgumentHelp?

  package init(
    wrappedValue: Bool, name: NameSpecification = .long, inversion: FlagInversion = .none,
    help: ArgumentHelp? = nil
  ) {
    parsed = Storage(wrappedValue)
    storage = parsed
    initial = wrappedValue
    names = name
    self.inversion = inversion
    self.help = help
  }

  package var wrappedValue: Bool {
    get { storage.unwrapped }
    set { storage = Storage(newValue) }
  }
}

extension Flag: ArgumentSource {
  func definitions(property: String) -> [ArgumentDefinition] {
    let names = names.names(of: property)
    let long = names.filter { $0.hasPrefix("--") }
    var definition = ArgumentDefinition(
      kind: .flag, names: names.sorted { $0.count < $1.count }, valueName: "",
      abstract: help?.abstract ?? "")
    if inversion == .prefixedNo {
      definition.offNames = long.map { "--no-\($0.dropFirst(2))" }
      let name = initial ? long.first : definition.offNames.first
      definition.defaultValue = name
    }
    definition.storeFlag = { [parsed] in parsed.value = $0 }
    return [definition]
  }
}
