import Foundation
import Regression
import Testing

struct FormatTests {
  private let result = Sample.result([
    Sample.benchmark([
      Sample.time([0.001, 0.003, 0.002]), Sample.time([0.002, 0.006, 0.004], name: "cpu_seconds"),
      Sample.time([10, 20, 30], name: "tokens_per_second", polarity: .biggerIsBetter),
      Sample.count(12), Sample.size(5e6),
    ]),
    Sample.benchmark([Sample.time([0.5])], name: "emulator/step"),
    Sample.benchmark([Sample.count(3)], name: "plans/count"),
  ])

  @Test func `github-action-benchmark finds an array of its entries`() throws {
    let smaller = try entries(.githubSmaller)
    #expect(
      smaller.map { $0["name"] as? String } == [
        "kernels/gelu/seconds", "kernels/gelu/cpu_seconds", "kernels/gelu/heap_allocations",
        "kernels/gelu/peak_memory_bytes", "emulator/step/seconds", "plans/count/heap_allocations",
      ])
    let bigger = try entries(.githubBigger)
    #expect(bigger.map { $0["value"] as? Double } == [20])
    // src/extract.ts: name and unit are strings, value a number, range and extra optional strings.
    for entry in smaller + bigger {
      #expect(Set(entry.keys) == ["name", "unit", "value", "range", "extra"])
      #expect(entry["value"] is Double && !(entry["value"] is String))
      for key in ["name", "unit", "range", "extra"] { #expect(entry[key] is String) }
    }
    #expect(smaller[0]["value"] as? Double == 0.002 && smaller[0]["unit"] as? String == "s")
    #expect(smaller[0]["range"] as? String == "± 1.00e-03")
  }

  @Test func `Google benchmark's tools find a repetition for each sample`() throws {
    let document = try #require(try json(.google) as? [String: Any])
    let context = try #require(document["context"] as? [String: Any])
    for key in [
      "date", "host_name", "executable", "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled",
      "caches", "load_avg", "library_build_type", "json_schema_version",
    ] {
      #expect(context[key] != nil, "\(key)")
    }
    let runs = try #require(document["benchmarks"] as? [[String: Any]])
    #expect(
      runs.map { $0["name"] as? String }
        == ["kernels/gelu", "kernels/gelu", "kernels/gelu", "emulator/step"])
    #expect(runs.map { $0["repetition_index"] as? Int } == [0, 1, 2, 0])
    #expect(runs.map { $0["repetitions"] as? Int } == [3, 3, 3, 1])
    #expect(runs.allSatisfy { $0["run_type"] as? String == "iteration" })
    #expect(runs.allSatisfy { $0["time_unit"] as? String == "ns" })
    let times = try runs.map { try #require($0["real_time"] as? Double) }
    for (time, expected) in zip(times, [1e6, 3e6, 2e6, 5e8]) {
      #expect((time / expected - 1).magnitude < 1e-12)
    }
    #expect(runs[0]["heap_allocations"] as? Double == 12)
    let cpu = try #require(runs[1]["cpu_time"] as? Double)
    #expect((cpu / 6e6 - 1).magnitude < 1e-12)
  }

  @Test func `hyperfine's tools find times, their statistics and exit codes`() throws {
    let document = try #require(try json(.hyperfine) as? [String: Any])
    let results = try #require(document["results"] as? [[String: Any]])
    #expect(results.map { $0["command"] as? String } == ["kernels/gelu", "emulator/step"])
    #expect(
      Set(results[0].keys) == [
        "command", "mean", "stddev", "median", "user", "system", "min", "max", "times",
        "exit_codes",
      ])
    #expect(results[0]["times"] as? [Double] == [0.001, 0.003, 0.002])
    #expect(results[0]["exit_codes"] as? [Int] == [0, 0, 0])
    #expect(results[0]["min"] as? Double == 0.001 && results[0]["max"] as? Double == 0.003)
    for (key, value) in [("mean", 0.002), ("median", 0.002), ("stddev", 0.001), ("user", 0.004)] {
      let found = try #require(results[0][key] as? Double)
      #expect((found - value).magnitude < 1e-15, "\(key)")
    }
  }

  @Test(arguments: ExportFormat.allCases)
  func `An export is never empty`(format: ExportFormat) throws {
    let none = Sample.result([
      Sample.count(1, polarity: format == .githubBigger ? .smallerIsBetter : .biggerIsBetter)
    ])
    #expect { try none.text(as: format) } throws: { error in
      (error as? RegressionError)?.exitStatus == 65
    }
  }

  @Test func `A pull request sees what changed and can unfold the rest`() {
    let comparison = Comparison.judge(
      base: [Sample.benchmark([Sample.count(12), Sample.size(1e6)])],
      new: [Sample.benchmark([Sample.count(13), Sample.size(1e6)])],
      thresholds: Sample.thresholds)
    let expected = """
      **Regression: 1 of 2 metrics worse.**

      | metric | base | new | change | interval | verdict |
      | --- | ---: | ---: | ---: | ---: | --- |
      | kernels/gelu/heap_allocations | 12 | 13 | +8.33 % |  | regression |

      <details><summary>1 metric within tolerance</summary>

      | metric | base | new | change | interval | verdict |
      | --- | ---: | ---: | ---: | ---: | --- |
      | kernels/gelu/peak_memory_bytes | 1 MB | 1 MB | 0.00 % |  | same |

      </details>

      """
    #expect(comparison.markdown() == expected)
  }

  @Test func `Text of a file is no markup`() {
    let comparison = Comparison.judge(
      base: [Sample.benchmark([Sample.count(1)], plan: "<img src=x>|*")],
      new: [Sample.benchmark([Sample.count(1)], plan: "b\n# c")], thresholds: Sample.thresholds)
    #expect(comparison.markdown().contains("'\\<img src=x\\>\\|\\*'"))
    #expect(comparison.markdown().contains("'b \\# c'"))
  }

  @Test func `Unchanged metrics are one line unless all are asked for`() {
    let metrics = [Sample.count(12), Sample.size(1e6)]
    let comparison = Comparison.judge(
      base: [Sample.benchmark(metrics)], new: [Sample.benchmark(metrics)],
      thresholds: Sample.thresholds)
    #expect(comparison.text() == "Same: 2 metrics.\n2 metrics within tolerance.\n")
    #expect(comparison.text(verbose: true).contains("kernels/gelu/heap_allocations  "))
  }

  @Test func `An improvement asks for a new baseline`() {
    let comparison = Comparison.judge(
      base: [Sample.benchmark([Sample.count(12)])], new: [Sample.benchmark([Sample.count(11)])],
      thresholds: Sample.thresholds)
    #expect(comparison.outcome == .better && comparison.outcome.exitStatus == 0)
    #expect(comparison.text().contains("Refresh the baseline"))
  }

  private func json(_ format: ExportFormat) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(try result.text(as: format).utf8))
  }

  private func entries(_ format: ExportFormat) throws -> [[String: Any]] {
    try #require(try json(format) as? [[String: Any]])
  }
}
