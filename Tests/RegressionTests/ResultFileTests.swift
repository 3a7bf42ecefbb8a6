import FoundationEssentials
import Regression
import Testing

struct ResultFileTests {
  @Test func `A result survives its file`() throws {
    let result = Sample.result(
      [
        Sample.benchmark([
          Sample.time([0.25, 0.5], calibration: [0.1, 0.2]), Sample.count(12), Sample.size(5e9),
        ])
      ], executableBytes: 20_000_000)
    let read = try withFile(result.text()) { path, _ in try ResultFile.read(path) }
    #expect(read == result)
    #expect(try result.text().contains("\"schema_version\" : 1"))
    #expect(try result.text().contains("\"cache_bytes\""))
  }

  @Test func `A missing file is 66`() {
    expectError("/no/such/file.json", 66, "/no/such/file.json: cannot read it: No such file")
    expectError("/tmp", 66, "/tmp: cannot read it: Is a directory")
  }

  @Test(arguments: [
    ("", "it is empty"), ("{", "truncated or not JSON"), ("[1]", "wrong type"),
    ("null", "a value is null"), ("{}", "no schema_version"),
    (#"{"schema_version": 2}"#, "its schema_version is 2, expected 1"),
    (#"{"schema_version": "1"}"#, "at schemaVersion: a value is of the wrong type"),
    (#"{"schema_version": 1}"#, "the key 'tool' is missing"),
    (#"{"schema_version": 1e999}"#, "expected a result as `gptj-bench bench` writes it"),
    (#"{"schema_version": 1, "count_baseline": 5}"#, "expected a result"),
    ("\u{1}\u{2}\u{3}", "truncated or not JSON"),
  ])
  func `What is no result is 65 and says why`(text: String, reason: String) throws {
    try withFile(text) { path, _ in expectError(path, 65, "\(path): ", reason) }
  }

  @Test func `A result that is cut anywhere is refused`() throws {
    let text = try Sample.text()
    for length in stride(from: 0, to: text.utf8.count - 2, by: 23) {
      try withFile(String(text.prefix(length))) { path, _ in expectError(path, 65, path) }
    }
  }

  @Test(arguments: [
    ("0.25", "null", "at benchmarks[0].metrics[0].samples[0]: a value is null"),
    ("0.25", "\"fast\"", "samples[0]: a value is of the wrong type"),
    ("0.25", "1e999", "expected"),
    ("0.25", "0", "kernels/gelu/seconds has 2 samples, expected finite samples above 0"),
    ("0.25", "-1", "kernels/gelu/seconds has the sample -1.0, expected finite samples above 0"),
    ("smaller_is_better", "smallest", "polarity: "),
    ("\"time\"", "\"tim\"", "kind: "),
    ("\"time\"", "\"count\"", "expected one sample, as it is a count"),
  ])
  func `A wrong value is named by its place`(from: String, to: String, reason: String) throws {
    let text = try Sample.text()
    #expect(text.contains(from))
    try withFile(text.replacing(from, with: to)) { path, _ in expectError(path, 65, reason) }
  }

  @Test func `Nothing that ran is no result`() throws {
    try expectRefused(Sample.result([MeasuredBenchmark]()), "it has no benchmarks")
    try expectRefused(Sample.result([Metric]()), "kernels/gelu has no metrics")
    try expectRefused(Sample.result([Sample.time([])]), "has no samples")
    let time = Sample.time([1])
    try expectRefused(
      Sample.result([time, time]), "the metric kernels/gelu/seconds is there twice")
    let benchmark = Sample.benchmark([time])
    try expectRefused(
      Sample.result([benchmark, benchmark]), "the benchmark kernels/gelu is there twice")
    try expectRefused(
      Sample.result([Sample.time([1, 2], calibration: [1])]),
      "has 2 samples and 1 calibration, expected a calibration above 0 for each sample")
    var failed = Sample.result([time])
    failed.failures = [
      .init(benchmark: "kernels/gemm", reason: "the process was killed by signal 11")
    ]
    try expectRefused(failed, "1 benchmark failed, first kernels/gemm: the process was killed")
  }

  @Test func `A baseline of counts survives its file, and an empty one is refused`() throws {
    let result = Sample.result([Sample.count(12), Sample.time([1])])
    let counts = try CountBaseline(checked: result, file: "new.json")
    #expect(try counts.text().contains("\"heap_allocations\" : 12\n"))
    #expect(throws: RegressionError.self) {
      try CountBaseline(checked: Sample.result([Sample.time([1])]), file: "new.json")
    }
    #expect(throws: RegressionError.self) {
      try baseline(#"{"schema_version": 1, "count_baseline": {}}"#)
    }
    if case .counts(let read) = try baseline(counts.text()) {
      #expect(read == counts)
    } else {
      Issue.record("not read as counts")
    }
    if case .counts = try baseline(Sample.text()) { Issue.record("a result read as counts") }
  }

  private func baseline(_ text: String) throws -> Baseline {
    try withFile(text) { path, _ in try Baseline.read(path) }
  }

  private func expectRefused(_ result: BenchmarkResult, _ reason: String) throws {
    try withFile(result.text()) { path, _ in expectError(path, 65, reason) }
  }

  private func expectError(_ path: String, _ status: Int32, _ reasons: String...) {
    do {
      _ = try ResultFile.read(path)
      Issue.record("\(path) was read")
    } catch {
      #expect(error.exitStatus == status)
      for reason in reasons {
        #expect(error.description.contains(reason), "\(error.description)")
      }
    }
  }
}
