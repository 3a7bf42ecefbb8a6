import ArgumentParsing
import CostModel
import ModelEstimates
import Reporting
import Topology
import Transformers

/// `estimate --model`: models that are only timed.
extension EstimateCommand {
  func estimateModel() throws {
    guard workload.config == nil, workload.settings.isEmpty, !printConfig, !explain else {
      throw ValidationError(
        "--config, --set, --print-config and --explain are for GPT-J, expected none of them with "
          + "--model")
    }
    let answers = try modelWorkloads().map { workload in
      ModelAnswer(workload: workload, estimate: try workload.estimate(job))
    }
    StandardStream.output.writeOrExit(output.json ? try json(answers) : text(answers))
    if requireFit && answers.contains(where: { !$0.estimate.memory.fits }) {
      throw ExitCode.failure
    }
  }

  /// Every topology with every sequence length and global batch.
  private func modelWorkloads() throws -> [ModelWorkload] {
    let description = try ModelDescription.named(workload.model ?? "")
    func each<Value>(_ values: [Value]) -> [Value?] { values.isEmpty ? [nil] : values }
    return try each(topology).flatMap { name in
      try each(sequenceLengths).flatMap { length in
        try each(globalBatchSizes).map { batch in
          try ModelWorkload(
            description, planName: plan, topology: name,
            ModelWorkload.Changes(
              sequenceLength: length, globalBatchSize: batch, microBatch: workload.microBatch,
              tensorParallel: workload.tensorParallel, dataParallel: workload.dataParallel))
        }
      }
    }
  }

  private func json(_ answers: [ModelAnswer]) throws -> String {
    let version = ReportDocument.schemaVersion
    let documents = answers.map(ModelDocument.init)
    if documents.count == 1 {
      return try JSONDocument(documents[0], schemaVersion: version).text()
    }
    return try JSONDocument(ModelList(estimates: documents), schemaVersion: version).text()
  }

  private struct ModelList: Encodable {
    let estimates: [ModelDocument]
  }

  private func text(_ answers: [ModelAnswer]) -> String {
    let terminal = Terminal.detect(.output, noColor: output.noColor)
    return answers.map { ModelText(answer: $0, terminal: terminal).text() }
      .joined(separator: "\n")
  }

  func listTheModels() throws {
    let names =
      OnlyGPTJ.isMeant(by: workload.model)
      ? ModelDescription.builtInNames : [workload.model ?? ""]
    let models = try names.map { try ModelDescription.named($0) }
    if output.json {
      let documents = models.map(ModelDescriptionDocument.init)
      StandardStream.output.writeOrExit(
        try JSONDocument(["models": documents], schemaVersion: ReportDocument.schemaVersion).text())
      return
    }
    var table = Table([
      .init("model"), .init("parameters", .right), .init("plan"), .init("pod"), .init("what"),
      .init("source"),
    ])
    for model in models {
      for (index, item) in model.plans.enumerated() {
        table.add([
          index == 0 ? model.model.name : "",
          index == 0 ? Format.grouped(model.model.parameterCount) : "", item.name, item.topology,
          item.plan.summary, item.source,
        ])
      }
    }
    let width = Terminal.detect(.output, noColor: output.noColor).width
    StandardStream.output.writeOrExit(table.text(width: width) + "\n\(OnlyGPTJ.sentence)\n")
  }
}
