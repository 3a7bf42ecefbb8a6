/// A property that a bare word sets, by its position.
///
/// An array takes all words that are left.
@propertyWrapper
package struct Argument<Value> {
  private let parsing: ValueParsing<Value>
  private var storage: Storage<Value>
  private let help: ArgumentHelp?

  private init(_ parsing: ValueParsing<Value>, _ help: ArgumentHelp?) {
    self.parsing = parsing
    self.storage = parsing.storage
    self.help = help
  }

  package var wrappedValue: Value {
    get { storage.unwrapped }
    set { storage = Storage(newValue) }
  }

  package init(
    wrappedValue: Value, help: ArgumentHelp? = nil
  ) where Value: ExpressibleByArgument {
    self.init(ValueParsing(wrappedValue), help)
  }

  package init(help: ArgumentHelp? = nil) where Value: ExpressibleByArgument {
    self.init(ValueParsing(nil), help)
  }

  package init<Wrapped: ExpressibleByArgument>(
    help: ArgumentHelp? = nil
  ) where Value == Wrapped? {
    self.init(ValueParsing(optional: nil), help)
  }

  package init<Element: ExpressibleByArgument>(
    wrappedValue: [Element], help: ArgumentHelp? = nil
  ) where Value == [Element] {
    self.init(ValueParsing(array: wrappedValue, .singleValue), help)
  }

  package init<Element: ExpressibleByArgument>(
    help: ArgumentHelp? = nil
  ) where Value == [Element] {
    self.init(ValueParsing(array: nil, .singleValue), help)
  }
}

extension Argument: ArgumentSource {
  func definitions(property: String) -> [ArgumentDefinition] {
    [parsing.definition(.positional, names: [], property: property, help: help)]
  }
}
