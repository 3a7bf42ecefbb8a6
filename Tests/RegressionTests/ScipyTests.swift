import Foundation
import Testing

@testable import Regression

/// The tests of scipy.stats on the same numbers.
@Suite(.enabled(if: scipy("import scipy.stats") != nil, "needs python3 with scipy"))
struct ScipyTests {
  @Test(arguments: [8, 30, 50, 51, 120], [false, true])
  func `p-values are scipy's`(count: Int, hasTies: Bool) throws {
    var noise = Noise(state: UInt64(count))
    func rounded(_ values: [Double]) -> [Double] {
      hasTies ? values.map { ($0 * 100).rounded() / 100 } : values
    }
    let paired = rounded(noise.series(count, 0.02, shift: 0.004))
    let new = rounded(noise.series(count * 2 / 3, 0.02, shift: 0.01))
    let output = try #require(
      scipy(
        """
        from scipy.stats import wilcoxon, mannwhitneyu
        x, y = \(paired), \(new)
        exact = \(count <= 50 && !hasTies ? "True" : "False")
        method = "exact" if exact else "asymptotic"
        print(wilcoxon(x, correction=not exact, method=method).pvalue)
        method = "exact" if len(x) + len(y) <= 40 and not \(hasTies ? "True" : "False") \\
          else "asymptotic"
        print(mannwhitneyu(x, y, method=method).pvalue)
        """))
    let expected = output.split(separator: "\n").compactMap { Double($0) }
    // Where ties meet few samples, ours counts all cases and scipy approximates; zeros are left out.
    let isApproximate = hasTies && count <= 51
    let tolerance = isApproximate ? 0.03 : 1e-9
    #expect((SignedRank.pValue(paired) - expected[0]).magnitude < tolerance)
    #expect((RankSum.pValue(paired, new) - expected[1]).magnitude < tolerance)
  }
}

private func scipy(_ program: String) -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["python3", "-c", program]
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: output, as: UTF8.self) : nil
}
