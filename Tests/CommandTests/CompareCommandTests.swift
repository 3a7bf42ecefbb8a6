import Foundation
import Testing

struct CompareCommandTests {
  @Test(arguments: [
    ("same.json", 0, "Same: 3 metrics."), ("fewer.json", 0, "Refresh the baseline"),
    ("slow.json", 2, "kernels/gelu/seconds"), ("allocation.json", 2, "heap_allocations"),
    ("noisy.json", 3, "Inconclusive: 1 of 3 metrics"),
    ("missing.json", 65, "kernels/gelu/heap_allocations is in BASE and missing in NEW"),
    ("plan.json", 65, "has another plan: '1024' in BASE, '2048' in NEW"),
    ("cpu.json", 65, "cpu is Test CPU in BASE and Other in NEW"),
    ("empty.json", 65, "it has no benchmarks"), ("schema.json", 65, "its schema_version is 2"),
    ("crashed.json", 65, "kernels/gelu: killed by signal 11"),
    ("truncated.json", 65, "truncated.json: it is truncated or not JSON"),
    ("no.json", 66, "no.json: cannot read it: No such file"),
  ])
  func `Each outcome has its code and a sentence`(
    new: String, code: Int32, sentence: String
  ) async throws {
    let outcome = try await Binary.run(["compare", "base.json", new], in: Self.folder())
    #expect(outcome.exitCode == code && !outcome.trapped)
    #expect((outcome.output + outcome.error).contains(sentence))
  }

  @Test(arguments: [
    ("compare base.json cpu.json --allow-different-machine", 0, "The machines differ: cpu is"),
    ("compare base.json cpu.json --counts", 0, "Only counts were compared."),
    ("compare base.json slow.json --thresholds wide.yml", 0, "Same: 3 metrics."),
    ("compare base.json same.json --thresholds no.yml", 66, "no.yml: cannot read it"),
    ("compare base.json same.json --thresholds base.json", 65, "'thresholds'"),
    ("compare base.json slow.json --format json", 2, "\"outcome\" : \"regression\""),
    ("compare base.json slow.json --format markdown", 2, "| kernels/gelu/seconds | 10"),
    ("compare base.json --export github-smaller", 0, "\"name\" : \"kernels/gelu/seconds\""),
    ("compare base.json --export google", 0, "\"repetition_index\" : 19"),
    ("compare base.json --export hyperfine", 0, "\"command\" : \"kernels/gelu\""),
    ("compare base.json --export github-bigger", 65, "no metric that the format"),
    ("compare --history .", 65, "crashed.json: 1 benchmark failed"), ("compare --history no", 66, "no: cannot"),
    ("compare --history past", 0, "1 step change in 8 results"),
    ("compare base.json", 64, "expected BASE and NEW"),
    ("compare base.json same.json --history .", 64, "expected none with --history"),
    ("compare base.json same.json --export google --refresh-baseline", 64, "only one of"),
  ])
  func `Options change what is compared and how it is printed`(
    line: String, code: Int32, text: String
  ) async throws {
    let outcome = try await Binary.run(
      line.split(separator: " ").map(String.init), in: Self.folder())
    #expect(outcome.exitCode == code && !outcome.trapped)
    #expect((outcome.output + outcome.error).contains(text), "\(outcome.output)\(outcome.error)")
  }

  @Test func `A refreshed baseline of counts gates the next change on any machine`() async throws {
    let folder = try Self.folder()
    let outcome = try await Binary.shell(
      """
      mkdir baselines
      gptj-bench compare baselines base.json --counts --refresh-baseline || exit 1
      gptj-bench compare baselines cpu.json --counts || exit 1
      gptj-bench compare baselines/counts.json allocation.json; test $? = 2 || exit 1
      gptj-bench compare baselines cpu.json; test $? = 66 || exit 1
      gptj-bench compare baselines cpu.json --refresh-baseline || exit 1
      gptj-bench compare baselines cpu.json --output report.txt && cat report.txt
      """, in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
    #expect(outcome.output.contains("baselines/other.json: the whole of cpu.json"))
    #expect(outcome.output.hasSuffix("within tolerance.\n"))
    #expect(try folder.reading("baselines/counts.json").contains("\"heap_allocations\" : 12"))
  }

  private static func folder() throws -> Folder {
    var files: [String: Data] = [
      "wide.yml": Data(
        "thresholds:\n- {metric: \"*/seconds\", tolerance_percent: 50, limit_percent: 60}\n".utf8)
    ]
    let base = text()
    files["base.json"] = Data(base.utf8)
    files["same.json"] = Data(text(wobble: 3).utf8)
    files["slow.json"] = Data(text(seconds: 0.0108).utf8)
    files["noisy.json"] = Data(text(wobble: 700).utf8)
    files["allocation.json"] = Data(text(allocations: "13").utf8)
    files["fewer.json"] = Data(text(allocations: "11").utf8)
    for (name, from, to) in [
      ("missing", "heap_allocations", "other"), ("plan", "\"1024\"", "\"2048\""),
      ("cpu", "Test CPU", "Other"), ("schema", "\"schema_version\": 1", "\"schema_version\": 2"),
      (
        "crashed", "\"failures\": []",
        "\"failures\": [{\"benchmark\": \"kernels/gelu\", \"reason\": \"killed by signal 11\"}]"
      ),
    ] {
      precondition(base.contains(from), "no \(from) in the result")
      files["\(name).json"] = Data(base.replacing(from, with: to).utf8)
    }
    files["empty.json"] = Data(text(benchmarks: "").utf8)
    files["truncated.json"] = Data(base.utf8.prefix(500))
    let folder = try Folder(files)
    let past = folder.url.appendingPathComponent("past")
    try FileManager.default.createDirectory(at: past, withIntermediateDirectories: false)
    for day in 1...8 {
      let result = text(allocations: day < 5 ? "12" : "14", day: day)
      try Data(result.utf8).write(to: past.appendingPathComponent("\(day).json"))
    }
    return folder
  }

  private static func text(
    seconds: Double = 0.01, wobble: Int = 1, allocations: String = "12", day: Int = 1,
    benchmarks: String? = nil
  ) -> String {
    let samples = (0..<20).map { index in
      "\(seconds * (1 + Double(wobble * (index * 7 % 20 - 10)) * 1e-4))"
    }
    let benchmark = """
      {"name": "kernels/gelu", "suite": "kernels", "plan": "1024", "metrics": [
        {"name": "seconds", "unit": "s", "polarity": "smaller_is_better", "kind": "time",
         "samples": [\(samples.joined(separator: ", "))]},
        {"name": "heap_allocations", "unit": "1", "polarity": "smaller_is_better",
         "kind": "count", "samples": [\(allocations)]}]}
      """
    return """
      {"schema_version": 1, "started_at": "2026-01-0\(day)T00:00:00Z", "failures": [],
       "tool": {"version": "0.1.0", "executable_bytes": 1000, "libraries": {}},
       "machine": {"cpu": "Test CPU", "instruction_set": "avx2", "cpus": 2, "cache_bytes": {},
         "numa_nodes": 1, "memory_bytes": 1000, "kernel": "6.1", "load_average": 0.5},
       "benchmarks": [\(benchmarks ?? benchmark)]}
      """
  }
}
