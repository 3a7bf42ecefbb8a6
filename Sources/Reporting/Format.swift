internal import Glibc

/// Numbers as people read them: fixed decimals, grouped digits, units, durations, dollars.
///
/// Rounding is that of the exact binary value, ties to even (glibc's), so `fixed(2.675, 2)` is
/// 2.67: the double nearest to 2.675 lies below it. Non-finite values read `nan`, `inf`, `-inf`.
package enum Format {
  /// Returns the value with exactly this many decimals, never as `-0`.
  package static func fixed(_ value: Double, _ decimals: Int, grouped: Bool = false) -> String {
    precondition((0...60).contains(decimals), "decimals must be 0...60")
    let text = withoutNegativeZero(print("%.*f", Int32(decimals), value))
    return grouped ? groupingDigits(text) : text
  }

  /// Returns a whole number with a comma between thousands: `6,050,882,784`.
  package static func grouped(_ value: some BinaryInteger) -> String {
    groupingDigits(String(value))
  }

  /// Returns a percentage of a share: `percent(0.412)` is `41.2 %`.
  package static func percent(_ share: Double, decimals: Int = 1) -> String {
    fixed(share * 100, decimals) + " %"
  }

  /// Returns an amount of money to the cent: `$74.00`, `-$1,234.50`.
  package static func dollars(_ value: Double) -> String {
    let text = fixed(value, 2, grouped: true)
    return text.hasPrefix("-") ? "-$\(text.dropFirst())" : "$\(text)"
  }

  /// Returns the value in scientific notation with this many significant digits: `5.0e-06`.
  package static func scientific(_ value: Double, digits: Int = 2) -> String {
    precondition((1...60).contains(digits), "digits must be 1...60")
    return print("%.*e", Int32(digits - 1), value)
  }

  /// Puts a comma between thousands of the integer part of a decimal number.
  private static func groupingDigits(_ text: String) -> String {
    let start = text.firstIndex(where: \.isNumber) ?? text.endIndex
    let end = text.firstIndex(of: ".") ?? text.endIndex
    guard start < end else { return text }
    let digits = text[start..<end]
    var result = String(text[..<start])
    for (offset, digit) in digits.enumerated() {
      if offset > 0, (digits.count - offset).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return result + text[end...]
  }

  private static func withoutNegativeZero(_ text: String) -> String {
    let isNegativeZero = text.first == "-" && text.dropFirst().allSatisfy { $0 == "0" || $0 == "." }
    return isNegativeZero ? String(text.dropFirst()) : text
  }

  /// C's `printf` into a string: correctly rounded for every double, and needs no Foundation.
  private static func print(_ format: String, _ arguments: any CVarArg...) -> String {
    withVaList(arguments) { list in
      // The longest double has 309 integer digits; 60 decimals, sign and point fit beside them.
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
        vsnprintf(buffer.baseAddress, buffer.count, format, list)
        return buffer.baseAddress.map { String(cString: $0) } ?? ""
      }
    }
  }
}
