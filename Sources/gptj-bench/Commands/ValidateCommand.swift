import ArgumentParsing
import CostModel
import PlanSearch
import Reporting

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

  @OptionGroup var output: OutputOptions

  mutating func run() throws {
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
}
