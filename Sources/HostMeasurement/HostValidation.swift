package import CostModel
import Datasets
import Emulator
import FineTuning
import GPTJ
import Program
package import Topology

/// The Emulator's own steps on this machine beside what the CostModel says of them.
///
/// Both sides are CPU time of the slowest worker between waits, so that other programs on the
/// machine take no part but through caches and memory.
package struct HostValidation: Sendable {
  package let rows: [Row]
  /// Of Done-when 6: what a prediction may be off.
  package static let tolerance = 0.15

  package struct Row: Sendable {
    package let name: String
    package let prediction: HostPrediction
    /// Median over rounds.
    package let measuredSeconds: Double
    /// Least and most of all rounds.
    package let measuredRange: ClosedRange<Double>
    /// CPU seconds by the name of the operation, of one run more that times them.
    package let measuredByKind: [String: Double]

    package var predictedSeconds: Double { prediction.busySeconds }
    package var error: Double { predictedSeconds / measuredSeconds - 1 }
    package var isWithinTolerance: Bool { abs(error) <= HostValidation.tolerance }
  }

  package var isWithinTolerance: Bool { rows.allSatisfy(\.isWithinTolerance) }

  /// Runs every case `rounds` times, the cases taking turns.
  ///
  /// - Throws: `EmulatorError` where the host refuses.
  package init(
    _ host: MeasuredHost, _ cases: [HostCase] = HostCase.all, rounds: Int = 7,
    progress: (_ round: Int) -> Void = { _ in }
  ) throws {
    let runs = try cases.map { try PreparedCase($0) }
    var times = [[Double]](repeating: [], count: runs.count)
    for round in 0..<rounds {
      progress(round)
      for (index, run) in runs.enumerated() { times[index].append(run.seconds()) }
    }
    rows = try runs.enumerated().map { index, run in
      let sorted = times[index].sorted()
      return Row(
        name: run.name,
        prediction: HostPrediction(of: run.program, on: host, workers: run.workers),
        measuredSeconds: sorted[sorted.count / 2],
        measuredRange: sorted[0]...sorted[sorted.count - 1],
        measuredByKind: try run.byKind())
    }
  }
}

/// A case on its emulator, its weights and first batch written.
private struct PreparedCase {
  let name: String
  let workers: Int
  private let trainer: Trainer
  private let source: HostCase

  init(_ source: HostCase) throws {
    self.source = source
    name = source.name
    trainer = try Self.trainer(source, timesKinds: false)
    workers = trainer.emulator.workerCount
  }

  var program: Program { trainer.program }

  func seconds() -> Double { trainer.emulator.run().criticalCPUSeconds }

  func byKind() throws -> [String: Double] {
    let timed = try Self.trainer(source, timesKinds: true)
    timed.emulator.execute()
    return timed.emulator.run().secondsByKind
  }

  private static func trainer(_ source: HostCase, timesKinds: Bool) throws -> Trainer {
    var options = Emulator.Options(workers: source.workers)
    options.timesKinds = timesKinds
    var batches = try TrainingTask(seed: 1).batches(source.configuration)
    let trainer = try Trainer(source.configuration, options)
    trainer.initialize(RandomWeights(seed: 1))
    _ = try trainer.update(on: batches.next())
    return trainer
  }
}

extension HostValidation.Row {
  /// One kind of operation: CPU seconds of all workers.
  package struct Kind: Sendable {
    package let name: String
    package let predictedSeconds: Double
    package let measuredSeconds: Double
  }

  /// Collectives of every kind and group together: the instructions do not tell them apart.
  package var kinds: [Kind] {
    var predicted: [String: Double] = [:]
    for (name, seconds) in prediction.secondsByKind {
      let isCollective = Operation.Collective.allCases.contains { name.hasPrefix($0.rawValue) }
      let plain = name.hasPrefix("slice") ? "slice" : name
      predicted[isCollective ? "collective" : plain, default: 0] += seconds
    }
    return Set(predicted.keys).union(measuredByKind.keys)
      .map {
        Kind(
          name: $0, predictedSeconds: predicted[$0] ?? 0, measuredSeconds: measuredByKind[$0] ?? 0)
      }
      .sorted { ($1.measuredSeconds, $0.name) < ($0.measuredSeconds, $1.name) }
  }
}
