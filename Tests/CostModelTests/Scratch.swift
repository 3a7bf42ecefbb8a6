@testable import CostModel
import GPTJ
import Program
import Testing

@Test func scratch() throws {
  let m = Machine(name: "p", ipus: 16, computeTiles: 1344, tilesPerIPU: 1472, cyclesPerSecond: 1.85e9, flopsPerCycleAndTileHalf: 128, flopsPerCycleAndTileSingle: 32, sramBytesPerTile: 624*1024, sramBytesPerCycleAndTile: 24.4, exchangeBytesPerCycleAndTile: 4, streamingBytes: 32_000_000_000, streamingBytesPerSecond: 15.75e9, hostBytesPerSecond: 3.125e9, linkDomainIPUs: 16, ringBytesPerSecond: { _, _ in 32e9 }, usdPerHour: 26.59)
    let e = Estimator(machine: m, calibration: .fitted)
  for p in [try trainingStep(), try inferencePass(), try inferencePass(GPTJModel(layers: 36, hiddenSize: 5120, heads: 40, vocabularySize: 50280, sequenceLength: 512, rotarySize: 32), tensorParallel: 4)] {
    print(Inventory(of: p), JobConstants.compileSeconds(Inventory(of: p), isCached: false, m), JobConstants.loadSeconds(Inventory(of: p)), JobConstants.compileSeconds(Inventory(of: p), isCached: true, m) )
  }
  for p in [try inferencePass(sequenceLength: 1024, tensorParallel: 4, microBatchSize: 12), try inferencePass(sequenceLength: 229, tensorParallel: 4, microBatchSize: 16), try trainingStep(microBatchSize: 2), try trainingStep(microBatchSize: 4), try trainingStep(microBatchSize: 8), try trainingStep(microBatchSize: 16), try trainingStep(tensorParallel: 1), try trainingStep(tensorParallel: 2), try trainingStep(tensorParallel: 4)] {
    let f = e.memory(of: p)
    print(f.fits, f.sramBytesPerIPU, f.sramPeakBytesPerIPU - f.alwaysLiveBytesPerIPU, f.streamingPeakBytesPerIPU, f.phases.map { "\($0.name) \(Double($0.bytes - f.alwaysLiveBytesPerIPU) / Double(f.sramBytesPerIPU))" }, f.reasons)
  }
}
