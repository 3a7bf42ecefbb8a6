import Foundation

/// The documented keys of `run --json` and `estimate --json`, with their types.
///
/// Decoding fails where a key is missing or has another type; `Int` refuses 1.5.
struct Report: Decodable {
  /// Nil in a list, whose document has it.
  let schemaVersion: Int?
  let topology: String
  let ipus: Int
  let plan: Plan
  let modelled: Modelled
  let measured: Measured?
  let host: Host?

  struct Plan: Decodable {
    let tensorParallel, dataParallel, microBatchSize, gradientAccumulation, globalBatchSize: Int
  }

  struct Modelled: Decodable {
    let stepSeconds, stepSecondsLow, stepSecondsHigh, tokensPerSecond: Double
    let phases: [Phase]
    let steps: Int
    let compileSeconds, loadSeconds, stepsSeconds, checkpointSeconds, evaluationSeconds: Double
    let totalSeconds, totalSecondsLow, totalSecondsHigh, costUsd, priceUsdPerHour: Double
    let costSource: String
    let flopsPerIpu, streamingLoadBytesPerIpu, streamingStoreBytesPerIpu: Int
    let allreduceBytesPerIpu, allgatherBytesPerIpu: Int
    let fits: Bool
    let reasons, remedies: [String]
    let sramPeakBytesPerIpu, streamingPeakBytesPerIpu: Int
  }

  struct Phase: Decodable {
    let name: String
    let count: Int
    let seconds, computeSeconds, streamingSeconds, collectiveSeconds: Double
    let flopsPerIpu: Int
  }

  struct Measured: Decodable {
    let ranks, workers, steps, tokensPerStep: Int
    let stepSeconds, tokensPerSecond, computeSeconds, collectiveSeconds, waitSeconds: Double
    let losses, gradientNorms: [Double]
    let cpuShareOutsideOperations, peakFlopsPerSecond, shareOfPeak: Double
    let modelledPodStepSeconds, modelledPodStepSecondsLow, modelledPodStepSecondsHigh: Double
    let plan: Plan
  }

  struct Host: Decodable {
    let cpu: String
    let packages, numaNodes, cores, allowedCores, memoryBytes: Int
    let processingUnits: [Int]
    let pinned, memoryBound: Bool
    let refusals: [String]
  }

  /// Fails too when anything but one document was written.
  init(_ text: String) throws {
    self = try Self.decoder.decode(Report.self, from: Data(text.utf8))
  }

  /// What `estimate --json` answers to lists.
  static func list(_ text: String) throws -> [Report] {
    try decoder.decode(List.self, from: Data(text.utf8)).estimates
  }

  private struct List: Decodable { let estimates: [Report] }

  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }
}

/// Whether a value is within a share of another.
func isClose(_ value: Double, _ other: Double, within share: Double) -> Bool {
  abs(value - other) <= share * abs(other)
}
