/// Options and flags that several commands share.
@propertyWrapper
package struct OptionGroup<Value: ParsableArguments> {
  package var wrappedValue: Value
  private let title: String?

  /// With a title, the help screen gives the group a section of its own.
  package init(title: String? = nil) {
    wrappedValue = Value()
    self.title = title
  }
}

extension OptionGroup: ArgumentSource {
  func definitions(property: String) -> [ArgumentDefinition] {
    argumentDefinitions(of: wrappedValue).map { definition in
      var definition = definition
      definition.group = title ?? definition.group
      return definition
    }
  }

  func validate() throws { try validateAll(wrappedValue) }
}

/// Validates the groups inside a value before the value, which may rely on them.
func validateAll(_ value: some ParsableArguments) throws {
  for (_, source) in argumentSources(of: value) { try source.validate() }
  try value.validate()
}
