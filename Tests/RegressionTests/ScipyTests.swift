import Foundation
import Testing

@testable import Regression

/// scipy.stats on the same numbers, in one process: its import takes longer than all the rest.
struct ScipyTests {
  private struct Case {
    let count: Int
    let hasTies: Bool
    let paired, new: [Double]

    init(count: Int, hasTies: Bool) {
      self.count = count
      self.hasTies = hasTies
      var noise = Noise(state: UInt64(count))
      func rounded(_ values: [Double]) -> [Double] {
        hasTies ? values.map { ($0 * 100).rounded() / 100 } : values
      }
      paired = rounded(noise.series(count, 0.02, shift: 0.004))
      new = rounded(noise.series(count * 2 / 3, 0.02, shift: 0.01))
    }

    /// Prints both p-values, by the method that ours has for the case.
    var program: String {
      let isPairedExact = count <= 50 && !hasTies
      let isExact = paired.count + new.count <= 40 && !hasTies
      return """
        x, y = \(paired), \(new)
        print(wilcoxon(x, correction=\(isPairedExact ? "False" : "True"),
          method="\(isPairedExact ? "exact" : "asymptotic")").pvalue)
        print(mannwhitneyu(x, y, method="\(isExact ? "exact" : "asymptotic")").pvalue)

        """
    }
  }

  @Test(.enabled(if: scipy("import scipy") != nil, "needs python3 with scipy"))
  func `p-values are those of scipy's tests`() throws {
    let cases = [8, 30, 50, 51, 120].flatMap { count in
      [false, true].map { Case(count: count, hasTies: $0) }
    }
    let program = "from scipy.stats import wilcoxon, mannwhitneyu\n"
    let output = try #require(scipy(cases.map(\.program).reduce(program, +)))
    let expected = output.split(separator: "\n").compactMap { Double($0) }
    try #require(expected.count == 2 * cases.count)
    for (index, sample) in cases.enumerated() {
      // Where ties meet few samples, ours counts all cases and scipy approximates; zeros are left
      // out.
      let tolerance = sample.hasTies && sample.count <= 51 ? 0.03 : 1e-9
      let (paired, unpaired) = (expected[2 * index], expected[2 * index + 1])
      #expect((SignedRank.pValue(sample.paired) - paired).magnitude < tolerance)
      #expect((RankSum.pValue(sample.paired, sample.new) - unpaired).magnitude < tolerance)
    }
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
