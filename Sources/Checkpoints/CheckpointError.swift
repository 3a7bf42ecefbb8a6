import NearestName

/// What is wrong with a checkpoint: the file, the tensor or the byte, and what was expected.
package enum CheckpointError: Error, Equatable {
  /// The system refused `operation`, or the file is not what it can be done with.
  case system(file: String, operation: String, reason: String)
  /// The disk, or what the user may write on it, is full.
  case diskFull(file: String, reason: String)
  /// A file or directory is not there; `expected` says what was looked for.
  case missing(path: String, expected: String)
  /// The header is not what the format says, counting bytes from the start of the file.
  case malformedHeader(file: String, byte: Int, expected: String)
  /// A tensor's entry contradicts itself, the other entries or the size of the file.
  case malformedTensor(file: String, tensor: String, expected: String)
  /// A zip archive, or one of its entries, cannot be followed.
  case malformedArchive(file: String, entry: String?, expected: String)
  /// A pickle cannot be followed; `byte` counts from its start, or from the start of an older file.
  case malformedPickle(file: String, byte: Int, expected: String)
  /// A pickle names Python code that no state dict needs.
  case foreignGlobal(file: String, byte: Int, name: String)
  case unknownTensor(file: String, tensor: String, nearest: String?)
  case elementType(file: String, tensor: String, found: String, expected: String)
  /// A key of a configuration file has a value that cannot be followed.
  case configuration(file: String, key: String, found: String, expected: String)
}

extension CheckpointError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .system(let file, let operation, let reason):
      "\(file): cannot \(operation): \(reason)"
    case .diskFull(let file, let reason):
      "\(file): cannot write: \(reason)"
    case .missing(let path, let expected):
      "\(path): not found; expected \(expected)"
    case .malformedHeader(let file, let byte, let expected):
      "\(file): header, byte \(byte): expected \(expected)"
    case .malformedTensor(let file, let tensor, let expected):
      "\(file): tensor \(quoted(tensor)): expected \(expected)"
    case .malformedArchive(let file, let entry, let expected):
      "\(file): \(entry.map { "entry \(quoted($0)): " } ?? "")expected \(expected)"
    case .malformedPickle(let file, let byte, let expected):
      "\(file): pickle, byte \(byte): expected \(expected)"
    case .foreignGlobal(let file, let byte, let name):
      "\(file): pickle, byte \(byte): \(quoted(name)) is no part of a state dict and is not run; "
        + "expected tensors alone"
    case .unknownTensor(let file, let tensor, let nearest):
      "\(file): no tensor \(quoted(tensor))"
        + (nearest.map { "; the nearest name is \(quoted($0))" } ?? "; the file has none")
    case .elementType(let file, let tensor, let found, let expected):
      "\(file): tensor \(quoted(tensor)): expected \(expected), found \(found)"
    case .configuration(let file, let key, let found, let expected):
      "\(file): \(key) is \(found), expected \(expected)"
    }
  }
}

/// A name from a file in quotes, cut at 120 characters and without control characters.
func quoted(_ name: String) -> String {
  name.count <= 120 ? name.debugDescription : String(name.prefix(120)).debugDescription + "..."
}

/// The first numbers of a list from a file, which may be long.
func brief(_ numbers: [Int]) -> String {
  let shown = numbers.prefix(8).map(String.init) + (numbers.count > 8 ? ["..."] : [])
  return "[\(shown.joined(separator: ", "))]"
}

/// The candidate with the fewest edits to `name`, of the first 10,000; cost: product of the lengths
/// for each.
func nearest(to name: String, among candidates: [String]) -> String? {
  let name = Array(name.utf8)
  // Longer names, and more of them, come from hostile files only and would make the search slow.
  let plausible = candidates.prefix(10_000).filter { $0.utf8.count <= 2 * name.count + 64 }
  return plausible.min { editDistance(name, Array($0.utf8)) < editDistance(name, Array($1.utf8)) }
}
