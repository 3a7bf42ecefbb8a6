@testable import CostModel
import GPTJ
import Program
import Testing

@Test func scratch() throws {
  let m = Machine(name: "p", ipus: 16, computeTiles: 1344, tilesPerIPU: 1472, cyclesPerSecond: 1.85e9, flopsPerCycleAndTileHalf: 128, flopsPerCycleAndTileSingle: 32, sramBytesPerTile: 624*1024, exchangeBytesPerCycleAndTile: 4, streamingBytes: 32_000_000_000, streamingBytesPerSecond: 15.75e9, hostBytesPerSecond: 5.5e9, linkDomainIPUs: 16, ringBytesPerSecond: { _, _ in 32e9 }, usdPerHour: 26.59)
  var rows: [Demand] = []
  for p in [try trainingStep(), try trainingStep(closingCollectives: true), try inferencePass(), try inferencePass(GPTJModel(layers: 36, hiddenSize: 5120, heads: 40, vocabularySize: 50280, sequenceLength: 512, rotarySize: 32), tensorParallel: 4)] {
    let e = Estimator(machine: m, calibration: .fitted)
    let d = e.demand(of: p)
    rows.append(d)
    var ops = 0, weights = 0
    p.forEachOperation { _, _, _ in ops += 1 }
    for t in p.streamingResidents { weights += p[t.tensor].instanceCount }
    print(d)
    print("ops", ops, "streaming instances", weights, p.work.flops, Double(p.work.flops) / d.matmulSeconds, p.streamingBytes)
    for x in p.liveness().phases {
      print(x.phase, x.bytes, x.operation.kind.name, x.scratchBytes, x.live.prefix(8).map { "\(p[$0.tensor].name) \($0.bytes)" })
    }
  }
  let c = Calibration(rows: .init(step: rows[0], stepKeepingClosingCollectives: rows[1], pass: rows[2]))
  for x in c.members { print(x) }
}
