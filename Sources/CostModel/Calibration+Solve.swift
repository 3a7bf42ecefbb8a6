extension Calibration {
  /// Solves one member: the shares of products and links, then what is left beside a pass and a
  /// pipeline's step.
  ///
  /// The BERT rows differ in their accumulation alone, so their difference is 60 turns of a stage:
  /// that gives the products' share. The step gives the links' share. Each needs the other a little;
  /// a few rounds agree to every digit.
  static func solve(_ rows: Rows, _ reading: Reading) -> Member {
    let step =
      reading.keepsClosingCollectives ? rows.stepKeepingClosingCollectives : rows.step
    let stage = rows.bertStage
    var shares = Shares(
      compute: 1, streaming: reading.streaming, ring: 1,
      secondsPerRingStep: reading.secondsPerRingStep)
    for _ in 0..<rounds {
      let closings =
        rows.bertClosing64.time(with: shares).total - rows.bertClosing256.time(with: shares).total
      let turn =
        (Published.bertPod64Seconds - Published.bertPod256Seconds - closings)
        / Double(Published.bertPod64Accumulation - Published.bertPod256Accumulation)
      shares.compute =
        reading.productsFactor * stage.matmulSeconds
        / (turn - stage.time(with: shares, without: \.compute))
      shares.ring =
        step.linkSeconds
        / (reading.stepSeconds - step.time(with: shares, without: \.collective)
          - step.linkSteps * shares.secondsPerRingStep)
    }
    return finish(rows, reading, shares, stage)
  }

  private static func finish(
    _ rows: Rows, _ reading: Reading, _ shares: Shares, _ stage: Demand
  ) -> Member {
    let pass = rows.pass.time(with: shares).total
    let turns = Double(Published.bertPod64Accumulation + 2 * Published.bertStages - 1)
    var ownShares = shares
    ownShares.compute /= reading.productsFactor
    let pipeline = Pipeline.Demands(stage: stage, closing: rows.bertClosing64)
      .time(turns, with: ownShares)
    return Member(
      reading: reading, shares: shares,
      hostSecondsPerPass: max(0, Published.passSeconds - pass),
      pipelineSecondsPerStep: max(0, Published.bertPod64Seconds - pipeline))
  }

  private static let rounds = 40
}

extension Demand {
  /// The time of all but one part.
  fileprivate func time(
    with shares: Calibration.Shares, without part: KeyPath<TimeSplit, Double>
  ) -> Double {
    let time = time(with: shares)
    return time.total - time[keyPath: part]
  }
}

extension Calibration.Reading {
  static let central = Calibration.Reading(
    streaming: streamingShares.central, secondsPerRingStep: RingStep.seconds,
    stepSeconds: Published.stepSeconds.central, keepsClosingCollectives: false,
    productsFactor: productsFactors.central)

  /// Every combination of the ends of what the rows leave open.
  static let corners: [Calibration.Reading] = {
    var all: [Calibration.Reading] = []
    for keeps in [false, true] {
      for factor in [productsFactors.low, productsFactors.high] {
        for streaming in [streamingShares.low, streamingShares.high] {
          for latency in [RingStep.secondsLow, RingStep.secondsHigh] {
            for seconds in [Published.stepSeconds.low, Published.stepSeconds.high] {
              all.append(
                Calibration.Reading(
                  streaming: streaming, secondsPerRingStep: latency, stepSeconds: seconds,
                  keepsClosingCollectives: keeps, productsFactor: factor))
            }
          }
        }
      }
    }
    return all
  }()

  /// Assumption: between models and software, which tune their products more or less; the curve alone
  /// was read to 3 %.
  static let productsFactors = Published.Range(low: 0.75, central: 1, high: 1.1)

  /// 10, 13 and 15.75 GB/s; the link's bound is PCIe Gen4 x8, the lower end what the rows allow.
  static let streamingShares = Published.Range(low: 0.63, central: 0.82, high: 1)
}
