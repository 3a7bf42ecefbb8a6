import Configuration
import CostModel
import GPTJ
import PlanSearch
import Program
import Testing
import Topology

@Suite("What-ifs are priced")
struct WhatIfRankingTests {
  private func configuration(
    _ preset: String, _ settings: String...
  ) throws -> FineTuningConfiguration {
    try ConfigurationResolver(
      preset, environment: [:],
      overrides: settings.map { try ConfigurationOverride(assignment: $0, flag: "--set") }
    ).resolve()
  }

  private func ranking(
    _ topology: String, _ configuration: FineTuningConfiguration, pairs: Bool = false,
    _ change: (inout PodTopology) -> Void = { _ in }
  ) throws -> WhatIfRanking {
    var pod = try PodTopology.named(topology)
    change(&pod)
    let step = try TrainingStep(configuration)
    return try PlanEstimator(
      pod, model: step.model, elementType: step.elementType,
      ioTiles: configuration.execution.ioTiles
    ).whatIfs(on: configuration, pairs: pairs)
  }

  private func gains(_ ranking: WhatIfRanking) -> [WhatIf: Double] {
    Dictionary(
      uniqueKeysWithValues: ranking.entries.filter { $0.whatIfs.count == 1 }.map {
        ($0.whatIfs[0], $0.gainSeconds)
      })
  }

  @Test("On the reference's Pod16: what saves exchange gains most, what adds streaming loses")
  func pod16() throws {
    let ranking = try ranking("pod16", configuration("gptj_6B_1024_pod16"))
    let gains = gains(ranking)
    for whatIf in [
      WhatIf.fusedAllReduce, .shardedSequence, .overlappedIO, .largerMicroBatch, .liveRecompute,
    ] {
      #expect(try #require(gains[whatIf]) > 0, "\(whatIf)")
    }
    // Storing activations costs more at 13 GB/s than computing them again; see `streaming`.
    #expect(try #require(gains[.selectiveRecompute]) < 0)
    #expect(try #require(gains[.noRecompute]) < #require(gains[.selectiveRecompute]))
    // For precision, not for speed.
    #expect(try #require(gains[.singlePartials]) < 0)
    #expect(ranking.entries.map(\.gainSeconds) == ranking.entries.map(\.gainSeconds).sorted(by: >))
    // float16 is 16 bits already; one replica shares nothing out.
    let refused = Set(ranking.refusals.map { $0.whatIfs[0] })
    #expect(
      refused == [
        .droppedCollectives, .shardedOptimizer, .replicatedState, .bfloat16Collectives,
        .float16Collectives,
      ])
  }

  @Test("Keeping activations gains where streaming memory is as fast as tiles would need it")
  func streaming() throws {
    let gains = gains(
      try ranking("pod16", configuration("gptj_6B_1024_pod16")) {
        $0.machine.streamingBytesPerSecondPerIPU *= 40
        $0.machine.streamingBytesPerSecond *= 40
      })
    #expect(try #require(gains[.selectiveRecompute]) > 0)
    #expect(try #require(gains[.noRecompute]) > 0)
  }

  @Test("Dropping dead collectives and 16-bit payloads gain where there are any to drop or shorten")
  func conditional() throws {
    let closing = try configuration(
      "gptj_6B_1024_pod16", "execution.recompute_closing_collectives=true")
    #expect(try #require(gains(ranking("pod16", closing))[.droppedCollectives]) > 0)
    let single = try configuration("gptj_6B_1024_pod16", "model.precision=float32")
    let gains = gains(try ranking("pod16", single))
    #expect(try #require(gains[.bfloat16Collectives]) > 0)
    #expect(gains[.bfloat16Collectives] == gains[.float16Collectives])
  }

  @Test("Sharing out weights, too, is as good as keeping them whole; replicating all is worse")
  func replicas() throws {
    let gains = gains(try ranking("pod64", configuration("gptj_6B_1024_pod64")))
    let (optimizer, none) = (
      try #require(gains[.shardedOptimizer]), try #require(gains[.replicatedState])
    )
    // Each replica loads all of its weights twice a step and gathers them once, not twice: over
    // rails that 16 groups share, that comes to about the same.
    #expect(abs(optimizer) < 0.1 && none < optimizer && none < 0)
  }

  @Test("Pairs: fused and sharded together gain more than each, and less than both added up")
  func pairs() throws {
    let ranking = try ranking("pod16", configuration("gptj_6B_1024_pod16"), pairs: true)
    let alone = gains(ranking)
    let both = try #require(
      ranking.entries.first { Set($0.whatIfs) == [.fusedAllReduce, .shardedSequence] })
    let (one, other) = (
      try #require(alone[.fusedAllReduce]), try #require(alone[.shardedSequence])
    )
    #expect(both.gainSeconds > max(one, other) && both.gainSeconds < one + other)
    #expect(ranking.entries.count > 20)
  }

  @Test("All but transfers, collectives and what is recomputed is as it was")
  func conservation() throws {
    let base = try configuration("gptj_6B_1024_pod64")
    let before = try TrainingStep(base).program().work
    for whatIf in WhatIf.allCases {
      guard let changed = try? WhatIf.applied([whatIf], to: base) else { continue }
      let after = try TrainingStep(changed).program().work
      let recomputes = whatIf.setting == "recompute"
      #expect((after.flops == before.flops) != recomputes, "\(whatIf)")
      #expect(after.flops <= before.flops)
      // A larger micro-batch has fewer losses to store.
      #expect(after.hostBytes <= before.hostBytes, "\(whatIf)")
      if ![WhatIf.shardedOptimizer, .replicatedState].contains(whatIf), !recomputes {
        #expect(after.loadBytes <= before.loadBytes && after.storeBytes == before.storeBytes)
      }
    }
  }
}
