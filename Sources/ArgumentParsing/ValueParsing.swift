/// How an array takes its values.
package enum ArrayParsingStrategy {
  /// One value each time the option is given.
  case singleValue
  /// Values between commas, each time the option is given; ours.
  case commaSeparated
}

/// What an option or argument of one type needs: how a word becomes the value, and its help.
struct ValueParsing<Value> {
  let storage: Storage<Value>
  var isRequired: Bool
  var isRepeating = false
  var defaultValue: String?
  var allValues: [String]
  var expectation: String
  let store: (String) -> Bool

  /// One value.
  init(_ initial: Value?) where Value: ExpressibleByArgument {
    let storage = Storage(initial)
    self.storage = storage
    isRequired = initial == nil
    defaultValue = initial?.defaultValueDescription
    allValues = Value.allValueStrings
    expectation = Value.expectation
    store = { word in
      guard let value = Value(argument: word) else { return false }
      storage.value = value
      return true
    }
  }

  /// A value or nil.
  init<Wrapped: ExpressibleByArgument>(optional initial: Wrapped?) where Value == Wrapped? {
    let storage = Storage<Value>(.some(initial))
    self.storage = storage
    isRequired = false
    defaultValue = initial?.defaultValueDescription
    allValues = Wrapped.allValueStrings
    expectation = Wrapped.expectation
    store = { word in
      guard let value = Wrapped(argument: word) else { return false }
      storage.value = .some(value)
      return true
    }
  }

  /// Many values; the first one that is given replaces the default.
  init<Element: ExpressibleByArgument>(
    array initial: [Element]?, _ strategy: ArrayParsingStrategy
  ) where Value == [Element] {
    let storage = Storage(initial)
    self.storage = storage
    isRequired = initial == nil
    isRepeating = true
    let separator = strategy == .commaSeparated ? "," : " "
    let shown = initial?.map(\.defaultValueDescription).joined(separator: separator)
    defaultValue = shown == "" ? nil : shown
    allValues = Element.allValueStrings
    expectation = Element.expectation
    var isDefault = true
    store = { word in
      let words =
        strategy == .commaSeparated
        ? word.split(separator: ",", omittingEmptySubsequences: false).map(String.init) : [word]
      var values: [Element] = isDefault ? [] : storage.value ?? []
      for word in words {
        guard let value = Element(argument: word) else { return false }
        values.append(value)
      }
      isDefault = false
      storage.value = values
      return true
    }
  }

  /// The definition of an option or argument with this value.
  func definition(
    _ kind: ArgumentDefinition.Kind, names: [String], property: String, help: ArgumentHelp?
  ) -> ArgumentDefinition {
    ArgumentDefinition(
      kind: kind, names: names.sorted { $0.count < $1.count },
      valueName: help?.valueName ?? kebabCase(property), abstract: help?.abstract ?? "",
      defaultValue: defaultValue, allValues: allValues, expectation: expectation,
      isRequired: isRequired, isRepeating: isRepeating, store: store)
  }
}
