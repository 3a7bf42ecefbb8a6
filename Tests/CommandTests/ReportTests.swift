import Testing

@Suite struct ReportTests {
  private static let short = ["--json", "--seconds", "0", "--real-steps", "2"]

  @Test func `run answers with every documented key, and nothing else is on standard output`()
    async throws
  {
    let outcome = try await Binary.run(["run"] + Self.short)
    try #require(outcome.exitCode == 0, "\(outcome.error)")
    let report = try Report(outcome.output)
    #expect(report.schemaVersion == 1)
    #expect(report.topology == "pod16" && report.ipus == 16)
    let measured = try #require(report.measured)
    #expect(measured.ranks == 16 && measured.plan.tensorParallel == 16)
    #expect(measured.losses.count == 2 && measured.gradientNorms.count == 2)
    #expect(measured.losses.allSatisfy { $0 > 0 && $0 < 10 })
    #expect(measured.stepSeconds > 0 && measured.computeSeconds > 0)
    #expect(measured.modelledPodStepSecondsLow <= measured.modelledPodStepSeconds)
    let host = try #require(report.host)
    #expect(host.processingUnits.count == measured.workers)
    #expect(outcome.error.contains("loss"), "progress belongs to standard error")
  }

  /// Issue 2's figures: GPT-J 6B's notebook and its own counts (Graphcore examples, nlp/gpt_j/popxl).
  @Test func `The main command's model gives the published step, job and traffic`() async throws {
    let outcome = try await Binary.run(
      ["estimate", "--topology", "pod16", "--seq", "1024", "--gbs", "128", "--json"])
    let report = try Report(outcome.output)
    let modelled = report.modelled
    #expect((20 * 0.97...22 * 1.03).contains(modelled.stepSeconds))
    #expect((modelled.stepSecondsLow...modelled.stepSecondsHigh).contains(modelled.stepSeconds))
    #expect(isClose(modelled.compileSeconds, 600, within: 0.03))
    #expect(isClose(modelled.loadSeconds, 480, within: 0.03))
    #expect(modelled.steps == 400)
    #expect(isClose(modelled.totalSeconds, 10_020, within: 0.03))
    #expect(isClose(modelled.costUsd, 74, within: 0.03))
    #expect(modelled.costSource.contains("derived"))
    #expect(isClose(Double(modelled.flopsPerIpu), 395e12, within: 0.01))
    #expect(isClose(Double(modelled.streamingLoadBytesPerIpu), 11.745e9, within: 0.01))
    #expect(isClose(Double(modelled.streamingStoreBytesPerIpu), 8.431e9, within: 0.01))
    #expect(isClose(Double(modelled.allreduceBytesPerIpu), 122.4e9, within: 0.01))
    #expect(modelled.fits && modelled.reasons.isEmpty)
    #expect(isClose(modelled.tokensPerSecond * modelled.stepSeconds, 131_072, within: 1e-9))
    let phases = modelled.phases.reduce(0) { $0 + $1.seconds }
    #expect(isClose(phases, modelled.stepSeconds, within: 1e-9))
    #expect(report.measured == nil)
  }

  @Test func `With the recompute's closing all-reduces the payload is the larger one`()
    async throws
  {
    let outcome = try await Binary.run(
      ["estimate", "--json", "--set", "execution.recompute_closing_collectives=true"])
    let modelled = try Report(outcome.output).modelled
    #expect(isClose(Double(modelled.allreduceBytesPerIpu), 182.5e9, within: 0.01))
  }

  @Test(arguments: [
    ("--topology pod64", 16, 4, 32), ("--topology pod16", 16, 1, 128),
    ("--topology pod16 --tp 4", 4, 4, 32), ("--topology pod16 --dp 2", 8, 2, 64),
    ("--topology pod4", 4, 1, 128), ("--topology pod64 --config gptj_6B_1024_pod16", 16, 1, 128),
  ])
  func `A pod's plan is the widest tensor parallelism and the rest for data`(
    words: String, tensor: Int, data: Int, accumulation: Int
  ) async throws {
    let arguments = words.split(separator: " ").map(String.init)
    let plan = try Report(try await Binary.run(["estimate", "--json"] + arguments).output).plan
    #expect(plan.tensorParallel == tensor && plan.dataParallel == data)
    #expect(plan.gradientAccumulation == accumulation && plan.globalBatchSize == 128)
  }

  @Test func `A plan that does not fit is an answer, and a failure only when fit is required`()
    async throws
  {
    let arguments = ["--topology", "pod4", "--tp", "1", "--dp", "1"]
    let outcome = try await Binary.run(["estimate", "--json"] + arguments)
    #expect(outcome.exitCode == 0)
    let modelled = try Report(outcome.output).modelled
    #expect(!modelled.fits)
    let streaming = try #require(modelled.reasons.first { $0.contains("streaming memory") })
    let missing = modelled.streamingPeakBytesPerIpu - 32_000_000_000
    #expect(streaming.contains("\(missing) too many"))
    #expect(modelled.reasons.contains { $0.contains("SRAM in phase head ") })

    let required = try await Binary.run(["estimate", "--require-fit"] + arguments)
    #expect(required.exitCode == 1)
    #expect(required.output.contains("does not fit"))
    #expect(required.output.contains("SRAM in head: 318 MB over"))
    let fitting = try await Binary.run(["estimate", "--require-fit"])
    #expect(fitting.exitCode == 0)
    let real = try await Binary.run(["run", "--require-fit"] + Self.short + arguments)
    #expect(real.exitCode == 1)
    #expect(try Report(real.output).modelled.fits == false)
  }

  @Test func `Lists make a row for each combination`() async throws {
    let arguments = [
      "estimate", "--topology", "pod16,pod64", "--seq", "512,1024,2048", "--gbs", "64,128",
    ]
    let reports = try Report.list(try await Binary.run(arguments + ["--json"]).output)
    #expect(reports.count == 12)
    #expect(Set(reports.map(\.modelled.stepSeconds)).count == 12)
    let table = try await Binary.run(arguments).output.split(separator: "\n")
    #expect(table.count == 2 + 12)
    #expect(table.allSatisfy { $0.count <= 110 })
    let over = try await Binary.run(["estimate", "--topology", "pod16,pod4", "--gbs", "4096"])
    #expect(over.output.contains("streaming memory: 484 GB over"))
  }
}
