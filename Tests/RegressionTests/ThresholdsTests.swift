import Glibc
import Testing

@testable import Regression

struct ThresholdsTests {
  @Test(arguments: [
    ("*", "a/b/c", true), ("a/*", "a/b/c", true), ("*/c", "a/b/c", true), ("a/*/c", "a/b/c", true),
    ("a/b/c", "a/b/c", true), ("a", "ab", false), ("a/*/d", "a/b/c", false), ("", "a", false),
    ("", "", true), ("a*a", "a", false), ("a**c", "ac", true), ("*b*b*", "abab", true),
    ("*ab", "abab", true), ("a*ab*b", "aabb", true), ("a*ab*b", "aab", false),
  ])
  func `A star stands for any characters`(pattern: String, name: String, isMatch: Bool) {
    #expect(matches(name, pattern: pattern) == isMatch)
  }

  @Test func `The built-in thresholds let counts grow by nothing and times by a percent`() throws {
    let builtIn = try Thresholds.builtIn()
    func threshold(_ kind: Metric.Kind) -> Threshold {
      builtIn.threshold(of: "kernels/gelu/x", kind: kind, comparison: .paired)
    }
    #expect(threshold(.count) == Threshold(tolerance: 0, limit: 0))
    #expect(threshold(.size) == Threshold(tolerance: 0.02, limit: 0.02))
    #expect(threshold(.time) == Threshold(tolerance: 0.01, limit: 0.03))
  }

  @Test func `Later lines win, key by key, where they match`() throws {
    let thresholds = try withFile(
      """
      thresholds:
        - {metric: "kernels/*", tolerance_percent: 2, limit_percent: 6}
        - {metric: "kernels/gelu/*", comparison: stored, tolerance_percent: 5}
        - {metric: "*/seconds", kind: time, limit_percent: 9}
      """, name: "my.yml"
    ) { path, _ in try Thresholds.builtIn().adding(file: path) }
    func threshold(_ name: String, _ comparison: ComparisonMethod) -> Threshold {
      thresholds.threshold(of: name, kind: .time, comparison: comparison)
    }
    #expect(threshold("kernels/gelu/seconds", .stored) == .init(tolerance: 0.05, limit: 0.09))
    #expect(threshold("kernels/gelu/seconds", .paired) == .init(tolerance: 0.02, limit: 0.09))
    #expect(threshold("kernels/gelu/cpu", .paired) == .init(tolerance: 0.02, limit: 0.06))
    #expect(threshold("collectives/all_reduce/cpu", .paired) == .init(tolerance: 0.01, limit: 0.03))
  }

  @Test(arguments: [
    ("thresholds:\n- {metrics: x}\n", ":2:4: ", "'metric'"),
    ("thresholds:\n- {metric: x, tolerance: 1}\n", ":2:", "'tolerance_percent'?"),
    ("thresholds:\n- {metric: x, kind: times}\n", ":2:", "one of count, size, time"),
    ("thresholds:\n- {metric: x, comparison: both}\n", ":2:", "stored, paired"),
    ("thresholds:\n- {metric: x, tolerance_percent: -1}\n", ":2:", "a number from 0.0 to 1000.0"),
    ("thresholds:\n- {metric: x, tolerance_percent: 1e99}\n", ":2:", "to 1000.0"),
    ("thresholds:\n- {metric: x, tolerance_percent: 3, limit_percent: 2}\n", ":2:", "is below"),
    ("threshold: []\n", ":1:", "'thresholds'"), ("a: [", "", ""), ("", "", ""),
  ])
  func `A wrong line is named by its place`(text: String, place: String, reason: String) throws {
    do {
      _ = try withFile(text, name: "my.yml") { path, _ in
        try Thresholds([]).adding(file: path)
      }
      Issue.record("read \(text)")
    } catch let error as RegressionError {
      #expect(error.exitStatus == 65)
      #expect(error.description.contains("my.yml\(place)"), "\(error.description)")
      #expect(error.description.contains(reason), "\(error.description)")
    }
  }

  @Test func `A missing file of thresholds is 66`() {
    #expect { try Thresholds([]).adding(file: "/no/such.yml") } throws: { error in
      (error as? RegressionError)?.exitStatus == 66
    }
  }

  @Test func `Tolerances are learned from a binary's comparisons with itself`() {
    let quiet = SelfComparison(metric: "a/seconds", shifts: [0.001, -0.001, 0.0005, 0])
    // Sizes about 1, 2, 3, 4 and 100 %: median 3 %, deviation 1 %, so 6 %; one outlier is nothing.
    let noisy = SelfComparison(
      metric: "b/seconds", shifts: [1.01, 1.02, 1.03, 1.04, 2].map { log($0) })
    let learned = Thresholds.learned(
      from: [noisy, quiet, SelfComparison(metric: "c", shifts: [])], comparison: .paired)
    #expect(learned.lines.map(\.metric) == ["a/seconds", "b/seconds"])
    #expect(learned.lines.map(\.tolerance) == [0.005, 0.06])
    #expect(learned.lines.map(\.limit) == [0.03, 0.12])
  }

  @Test func `Written thresholds read back equal`() throws {
    let thresholds = Thresholds([
      .init(metric: "a \"b\" \\ */seconds", kind: .time, tolerance: 0.0125, limit: 0.03),
      .init(metric: "*", comparison: .stored, tolerance: 0),
    ])
    let text = thresholds.text(comments: ["learned: yes"])
    #expect(text.hasPrefix("# learned: yes\nthresholds:\n  - {metric: "))
    #expect(text.contains("tolerance_percent: 1.25, limit_percent: 3}"))
    let read = try withFile(text, name: "my.yml") { path, _ in
      try Thresholds([]).adding(file: path)
    }
    #expect(read == thresholds)
  }

  @Test(arguments: [
    ("AMD EPYC 9B14", "amd-epyc-9b14"),
    ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-r-xeon-r-cpu-2-20ghz"),
    ("../../é", "unknown"),
  ])
  func `A CPU's file has a plain name`(cpu: String, name: String) {
    #expect(cpuFileName(cpu) == name)
  }
}
