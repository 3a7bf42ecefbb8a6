/// A property that `--name value` or `--name=value` sets.
///
/// Without a default the option is required, unless its type is optional. An array takes the option
/// any number of times.
@propertyWrapper
package struct Option<Value> {
  private let parsing: ValueParsing<Value>
  private var storage: Storage<Value>
  private let names: NameSpecification
  private let help: ArgumentHelp?

  private init(_ parsing: ValueParsing<Value>, _ names: NameSpecification, _ help: ArgumentHelp?) {
    self.parsing = parsing
    self.storage = parsing.storage
    self.names = names
    self.help = help
  }

  package var wrappedValue: Value {
    get { storage.unwrapped }
    set { storage = Storage(newValue) }
  }

  package init(
    wrappedValue: Value, name: NameSpecification = .long, help: ArgumentHelp? = nil
  ) where Value: ExpressibleByArgument {
    self.init(ValueParsing(wrappedValue), name, help)
  }

  package init(
    name: NameSpecification = .long, help: ArgumentHelp? = nil
  ) where Value: ExpressibleByArgument {
    self.init(ValueParsing(nil), name, help)
  }

  package init<Wrapped: ExpressibleByArgument>(
    wrappedValue: Wrapped?, name: NameSpecification = .long, help: ArgumentHelp? = nil
  ) where Value == Wrapped? {
    self.init(ValueParsing(optional: wrappedValue), name, help)
  }

  package init<Wrapped: ExpressibleByArgument>(
    name: NameSpecification = .long, help: ArgumentHelp? = nil
  ) where Value == Wrapped? {
    self.init(ValueParsing(optional: nil), name, help)
  }

  package init<Element: ExpressibleByArgument>(
    wrappedValue: [Element], name: NameSpecification = .long,
    parsing: ArrayParsingStrategy = .singleValue, help: ArgumentHelp? = nil
  ) where Value == [Element] {
    self.init(ValueParsing(array: wrappedValue, parsing), name, help)
  }

  package init<Element: ExpressibleByArgument>(
    name: NameSpecification = .long, parsing: ArrayParsingStrategy = .singleValue,
    help: ArgumentHelp? = nil
  ) where Value == [Element] {
    self.init(ValueParsing(array: nil, parsing), name, help)
  }
}

extension Option: ArgumentSource {
  func definitions(property: String) -> [ArgumentDefinition] {
    [
      parsing.definition(
        .option, names: names.names(of: property), property: property, help: help)
    ]
  }
}
