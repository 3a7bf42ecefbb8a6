/// The names of an option or flag.
package struct NameSpecification: ExpressibleByArrayLiteral {
  package enum Element {
    /// The property's name in kebab case: `--global-batch-size`.
    case long
    /// The first letter of the property's name: `-o`.
    case short
    case customLong(String)
    case customShort(Character)
  }

  var elements: [Element]

  package init(arrayLiteral elements: Element...) { self.elements = elements }

  package static var long: Self { [.long] }
  package static var short: Self { [.short] }
  package static var shortAndLong: Self { [.short, .long] }
  package static func customLong(_ name: String) -> Self { [.customLong(name)] }
  package static func customShort(_ letter: Character) -> Self { [.customShort(letter)] }

  /// The names as typed, dashes included, for a property.
  func names(of property: String) -> [String] {
    elements.map { element in
      switch element {
      case .long: "--\(kebabCase(property))"
      case .short: "-\(property.prefix(1))"
      case .customLong(let name): "--\(name)"
      case .customShort(let letter): "-\(letter)"
      }
    }
  }
}

/// The kebab case of a camel-case name: `globalBatchSize` becomes `global-batch-size`.
func kebabCase(_ name: String) -> String {
  var result = ""
  var previous: Character?
  for (index, character) in zip(name.indices, name) {
    let next = name[index...].dropFirst().first
    let startsWord =
      character.isUppercase
      && (previous?.isUppercase == false || previous != nil && next?.isLowercase == true)
    if startsWord { result += "-" }
    result += character.lowercased()
    previous = character
  }
  return result
}
