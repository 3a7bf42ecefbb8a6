import ArgumentParsing
import CostModel
import HostMeasurement
import PublishedFigures
import Reporting
import Topology

/// The cost model beside what is published.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compares the cost model with published figures.",
    discussion: """
      Rows that constants were solved from are marked apart from those that follow from them, that \
      are counted, and that were never used. Exits with 2 when a figure is outside its tolerance.
      """,
    examples: ["gptj-bench validate", "gptj-bench validate --fit --ablation"])

  @Flag(help: "Solves the constants anew from the calibration rows and prints each with its range.")
  var fit = false

  @Flag(help: "Prints what each part of the model explains of the calibration's steps.")
  var ablation = false

  @Flag(
    help: "Predicts the emulator's own steps on this machine, measured first, and runs them.")
  var onHost = false

  @Option(
    help: ArgumentHelp("The same, from a file of 'topology measure'.", valueName: "file"))
  var host: String?

  @Flag(help: "With --on-host or --host, also each kind of operation.")
  var kinds = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if onHost || host != nil, fit || ablation {
      throw ValidationError("--fit and --ablation are of the pods, not of this host")
    }
    if kinds, !onHost, host == nil {
      throw ValidationError("--kinds is of this host, expected --on-host or --host beside it")
    }
  }

  mutating func run() throws {
    if onHost || host != nil { return try compareWithHost() }
    let validation = try Validation(fit: fit)
    let parts = ablation ? try Ablation(calibration: validation.calibration) : nil
    if output.json {
      let document = ValidationDocument(validation, showsConstants: fit, parts)
      StandardStream.output.writeOrExit(
        try JSONDocument(document, schemaVersion: ReportDocument.schemaVersion).text())
    } else {
      let terminal = Terminal.detect(.output, noColor: output.noColor)
      StandardStream.output.writeOrExit(
        ValidationText(
          validation: validation, showsConstants: fit, ablation: parts, terminal: terminal
        ).text())
    }
    if !validation.isWithinTolerance { throw ExitCode.regression }
  }

  /// Wall clock and modelled clock never meet here: both are CPU time of this host.
  private func compareWithHost() throws {
    let terminal = Terminal.detect(.error, noColor: output.noColor)
    var line = ProgressLine(
      "validate", total: nil, interval: 1, terminal: terminal, isOff: output.noProgress)
    let measured = try host.map { file throws(TopologyError) in
      let measured = try MeasuredHost.file(file)
      for type in HostCase.elementTypes { try measured.require(type, of: file) }
      return measured
    }
    let machine =
      try measured
      ?? HostMeasurement(version: GPTJBench.configuration.version) { part, number, count in
        line.update(step: number) { [("of", "\(count)"), ("part", part)] }
      }.run()
    let validation = try HostValidation(machine) { line.update(step: $0) }
    line.finish()
    try HostValidationReport(validation: validation, host: machine, showsKinds: kinds)
      .print(output)
    if !validation.isWithinTolerance { throw ExitCode.regression }
  }
}
