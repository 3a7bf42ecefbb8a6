import ArgumentParsing
import Configuration
import CostModel
import GPTJ
import PlanSearch
import Reporting
import Topology

/// The cost model alone, for one workload or a table of many.
struct EstimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate",
    abstract: "Models steps and jobs on pods, and runs nothing.",
    discussion: "Lists make a table with a row for each combination.",
    examples: [
      "gptj-bench estimate --topology pod16 --seq 1024 --gbs 128",
      "gptj-bench estimate --topology pod16,pod64 --seq 512,1024,2048 --gbs 64,128",
      "gptj-bench estimate --topology pod16 --explain",
      "gptj-bench estimate --topology pod16 --seq 1024 --gbs 128 --what-if all",
      "gptj-bench estimate --model flan-t5-xl --topology pod16 --tp 8",
    ])

  @Option(
    parsing: .commaSeparated,
    help: ArgumentHelp(
      "Pods or topology files, with commas between (default: pod16, or that of --plan).",
      valueName: "names")
  )
  var topology: [String] = []

  @Option(
    name: .customLong("seq"), parsing: .commaSeparated,
    help: ArgumentHelp("Tokens of one sequence, or several.", valueName: "tokens"))
  var sequenceLengths: [Int] = []

  @Option(
    name: .customLong("gbs"), parsing: .commaSeparated,
    help: ArgumentHelp(
      "Sequences of one optimizer step, or several.", valueName: "sequences"))
  var globalBatchSizes: [Int] = []

  @OptionGroup var workload: WorkloadOptions

  @Option(
    help: ArgumentHelp(
      "With --model: one of the plans that its reference has (default: one for the topology).",
      valueName: "name"))
  var plan: String?

  @Flag(help: "Lists the models that --model knows, and their plans, and does nothing else.")
  var listModels = false

  @OptionGroup var job: JobOptions

  @Flag(help: "Lists the operations that cost most, what bounds them and what would move them.")
  var explain = false

  @Flag(help: "Exits with 1 when a plan does not fit its pod.")
  var requireFit = false

  @Flag(help: "Prints the resolved configuration as YAML and does nothing else.")
  var printConfig = false

  @OptionGroup var output: OutputOptions

  mutating func run() throws {
    if listModels { return try listTheModels() }
    if !OnlyGPTJ.isMeant(by: workload.model) { return try estimateModel() }
    let workloads = try combinations()
    if printConfig {
      StandardStream.output.writeOrExit(
        workloads.map { $0.configuration.printYAML() }.joined(separator: "---\n"))
      return
    }
    if let pairs = workload.ranksPairs {
      let reports = try workloads.map { try WhatIfReport($0, pairs: pairs) }
      StandardStream.output.writeOrExit(
        output.json
          ? try WhatIfReport.json(reports)
          : reports.map { $0.text(width: terminal.width) }.joined(separator: "\n"))
      return
    }
    let estimates = try workloads.map {
      ($0.topology, try $0.estimate(executableCached: job.executableCached))
    }
    let explanations =
      explain ? try workloads.map { try $0.planEstimator.explain($0.step.plan) } : []
    StandardStream.output.writeOrExit(
      output.json ? try json(estimates, explanations) : text(estimates, explanations))
    if requireFit && estimates.contains(where: { !$0.1.job.memory.fits }) {
      throw ExitCode.failure
    }
  }

  /// Every topology with every sequence length and global batch.
  private func combinations() throws -> [Workload] {
    let lengths = sequenceLengths.isEmpty ? [nil] : sequenceLengths.map(Optional.some)
    let batches = globalBatchSizes.isEmpty ? [nil] : globalBatchSizes.map(Optional.some)
    return try (topology.isEmpty ? ["pod16"] : topology).flatMap { name in
      try lengths.flatMap { length in
        try batches.map { batch in
          try Workload(
            topology: name, sequenceLength: length, globalBatchSize: batch, steps: job.steps,
            workload)
        }
      }
    }
  }

  private var terminal: Terminal { Terminal.detect(.output, noColor: output.noColor) }

  /// One combination answers like `run`; several stand in a list.
  private func json(
    _ estimates: [(PodTopology, PlanEstimate)], _ explanations: [Explanation]
  ) throws -> String {
    var documents = estimates.map { ReportDocument($0.1, on: $0.0) }
    for (index, explanation) in explanations.enumerated() {
      documents[index].explanation = explanation.entries.map(
        ReportDocument.ExplainedOperation.init)
    }
    let version = ReportDocument.schemaVersion
    if documents.count == 1 {
      return try JSONDocument(documents[0], schemaVersion: version).text()
    }
    return try JSONDocument(EstimateList(estimates: documents), schemaVersion: version).text()
  }

  private struct EstimateList: Encodable {
    let estimates: [ReportDocument]
  }

  private func text(
    _ estimates: [(PodTopology, PlanEstimate)], _ explanations: [Explanation]
  ) -> String {
    let explained = zip(estimates, explanations).map { estimate, explanation in
      "\n"
        + ExplanationText(
          explanation: explanation, topology: estimate.0.name, terminal: terminal
        ).text()
    }.joined()
    if estimates.count == 1 {
      let (topology, estimate) = estimates[0]
      return RunText(estimate: estimate, topology: topology, run: nil, terminal: terminal).text()
        + explained
    }
    return EstimateTable(estimates).text(width: terminal.width) + explained
  }
}
