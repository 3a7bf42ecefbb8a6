import CostModel
import GPTJ
import Program
import Testing

/// Source of the tables: counted from Graphcore examples, nlp/gpt_j/popxl; MB are 1e6 bytes.
@Suite("What a step moves agrees with the reference, phase by phase")
struct PublishedTrafficTests {
  private static let phases = [
    "embedding_forward", "decoder_forward", "head", "decoder_backward",
    "embedding_backward_optimizer", "decoder_optimizer", "head_optimizer",
  ]
  private static let pod16 = [
    (25.8, 67.1), (2583.8, 1879.1), (92.9, 92.9), (4462.9, 2583.8), (196.2, 129.1),
    (4228.5, 3523.7), (154.9, 154.9),
  ]
  private static let pod64 = [
    (6.5, 16.8), (645.9, 469.8), (23.2, 23.2), (1115.7, 645.9), (49.1, 32.3), (1057.1, 880.9),
    (38.7, 38.7),
  ]

  @Test("Streaming memory's loads and stores, within 1 %", arguments: [1, 4])
  func streaming(_ dataParallel: Int) throws {
    let estimate = try estimator(dataParallel == 1 ? "pod16" : "pod64").estimate(
      trainingStep(dataParallel: dataParallel))
    #expect(estimate.phases.map(\.name) == Self.phases)
    #expect(estimate.phases.map(\.count) == [1, 28, 1, 28, 1, 28, 1])
    for (phase, expected) in zip(estimate.phases, dataParallel == 1 ? Self.pod16 : Self.pod64) {
      let (load, store) = (Double(phase.work.loadBytes) / 1e6, Double(phase.work.storeBytes) / 1e6)
      #expect(isWithin(0.01, load, of: expected.0), "\(phase.name): \(load)")
      #expect(isWithin(0.01, store, of: expected.1), "\(phase.name): \(store)")
    }
    let totals = dataParallel == 1 ? (11_745e6, 8_431e6) : (2_936e6, 2_107e6)
    #expect(isWithin(0.01, Double(estimate.streamingLoadBytesPerIPU), of: totals.0))
    #expect(isWithin(0.01, Double(estimate.streamingStoreBytesPerIPU), of: totals.1))
  }

  @Test(
    "All-reduces and all-gathers of 8 MiB, with the recompute's dead ones and without",
    arguments: [(1, false), (1, true), (4, false), (4, true)])
  func collectives(_ dataParallel: Int, _ keepsClosing: Bool) throws {
    let estimate = try estimator(dataParallel == 1 ? "pod16" : "pod64").estimate(
      trainingStep(dataParallel: dataParallel, closingCollectives: keepsClosing))
    let batches = 128 / dataParallel
    let reduces = batches * (28 * (keepsClosing ? 6 : 4) + 2)
    let gathers = batches * (28 + 1 + 2 * 28 + 1)
    let (small, buffer) = (batches * 3 * 1024 * 4, 1024 * 4096 * 2)
    let tally = estimate.collectives
    // The losses' sums are 2 of their 3; the maximum is counted apart.
    #expect(tally.calls(.allReduceSum, .tensor) == reduces + 2 * batches)
    #expect(tally.calls(.allReduceMax, .tensor) == batches)
    #expect(
      tally.bytes(.allReduceSum, .tensor) + tally.bytes(.allReduceMax, .tensor)
        == reduces * buffer + small)
    #expect(tally.calls(.allGather, .tensor) == gathers)
    #expect(tally.bytes(.allGather, .tensor) == gathers * buffer)
    let payload =
      switch (dataParallel, keepsClosing) {
      case (1, false): 122.4e9
      case (1, true): 182.5e9
      case (_, false): 30.6e9
      case (_, true): 45.6e9
      }
    #expect(isWithin(0.01, Double(estimate.allReduceBytesPerIPU), of: payload))
  }

  @Test("The rings' wire bytes are 342 GB of all-reduces and 86.6 GB of all-gathers on a Pod16")
  func wire() throws {
    let estimate = try estimator().estimate(trainingStep(closingCollectives: true))
    #expect(isWithin(0.01, estimate.allReduceWireBytesPerIPU, of: 342e9))
    #expect(isWithin(0.01, estimate.allGatherWireBytesPerIPU, of: 86.6e9))
  }

  @Test("395 TFLOP on each IPU of a Pod16, a quarter of that on a Pod64", arguments: [1, 4])
  func flops(_ dataParallel: Int) throws {
    let estimate = try estimator(dataParallel == 1 ? "pod16" : "pod64").estimate(
      trainingStep(dataParallel: dataParallel))
    #expect(isWithin(0.01, Double(estimate.flopsPerIPU), of: 395e12 / Double(dataParallel)))
  }

  @Test("Streaming memory holds 8.4 GB of each Pod16 IPU and 2.1 GB of each Pod64 IPU")
  func capacity() throws {
    let pod16 = try trainingStep()
    #expect(isWithin(0.01, Double(pod16.streamingBytes), of: (756 + 731 + 3026 + 3892) * 1e6))
    let pod64 = try estimator("pod64").memory(of: trainingStep(dataParallel: 4))
    #expect(isWithin(0.01, Double(pod64.streamingPeakBytesPerIPU), of: 2.1e9))
    func bytes(_ isIncluded: (String) -> Bool) -> Double {
      Double(
        pod16.streamingResidents.filter { isIncluded(pod16[$0.tensor].name) }
          .reduce(0) { $0 + $1.bytes })
    }
    #expect(isWithin(0.01, bytes { $0.hasSuffix(".gradient") }, of: 731e6))
    #expect(isWithin(0.01, bytes { $0.hasSuffix("_moment") }, of: 3026e6))
    #expect(isWithin(0.01, bytes { $0 == "x" || $0 == "dx" }, of: 3892e6))
  }
}
