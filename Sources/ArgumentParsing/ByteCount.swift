/// A number of bytes, written `4096`, `8K`, `128M`, `1GiB` or `1GB`.
///
/// `K`, `M`, `G` and `T` are powers of 1024, as in nccl-tests, and the same as `KiB`...; `kB`, `MB`,
/// `GB` and `TB` are powers of 1000.
package struct ByteCount: Hashable, Sendable {
  package var bytes: Int

  package init(bytes: Int) { self.bytes = bytes }
}

extension ByteCount: ExpressibleByArgument {
  package init?(argument: String) {
    let digits = argument.prefix { "0"..."9" ~= $0 }
    let suffix = argument[digits.endIndex...]
    guard let count = Int(digits), let unit = Self.bytesOfUnit(suffix) else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  /// Exact: the largest binary unit that divides it.
  package var defaultValueDescription: String {
    for (index, name) in ["T", "G", "M", "K"].enumerated() {
      let unit = 1 << (10 * (4 - index))
      if bytes != 0, bytes % unit == 0 { return "\(bytes / unit)\(name)" }
    }
    return "\(bytes)"
  }

  package static var expectation: String { "a number of bytes such as 4096, 8K, 128M or 1GB" }

  private static func bytesOfUnit(_ suffix: Substring) -> Int? {
    if suffix.isEmpty || suffix == "B" { return 1 }
    guard let first = suffix.first, let power = "KMGT".firstIndex(of: first == "k" ? "K" : first)
    else { return nil }
    let exponent = "KMGT".distance(from: "KMGT".startIndex, to: power) + 1
    switch suffix.dropFirst() {
    case "", "iB": return 1 << (10 * exponent)
    case "B": return (0..<exponent).reduce(1) { unit, _ in unit * 1000 }
    default: return nil
    }
  }
}
