/// What was fitted, and to what: shares of a machine's own figures that its software reaches.
///
/// One published row cannot tell three shares apart, so the calibration is an ensemble: each member
/// fixes two shares and a reading of the row, and solves the ring share that reproduces it. The
/// central member gives the figure, the members' extremes its interval.
package struct Calibration: Sendable, Equatable {
  package let central: Member
  /// The central member among them.
  package let members: [Member]

  /// Shares of the published matmul curve, of the streaming link's bound, of the ring's physical rate.
  package struct Shares: Sendable, Equatable {
    package let compute: Double
    package let streaming: Double
    package let ring: Double

    package init(compute: Double, streaming: Double, ring: Double) {
      self.compute = compute
      self.streaming = streaming
      self.ring = ring
    }
  }

  /// One reading of the calibration rows.
  package struct Member: Sendable, Equatable {
    package let shares: Shares
    /// Whether the reference's step ran the dead all-reduces of its recomputed layers.
    package let keepsClosingCollectives: Bool
    /// Beside the pass on the pod: the host's loop round it.
    package let hostSecondsPerPass: Double
  }

  /// What the calibration rows ask of a Bow Pod16, with every share 1.
  package struct Rows: Sendable, Equatable {
    /// A training step of GPT-J 6B: TP 16, 1024 tokens, 128 sequences, micro-batch 1.
    package let step: Demand
    /// The same with the dead all-reduces of the recomputed layers.
    package let stepKeepingClosingCollectives: Demand
    /// A generative pass over 16 sequences of 229 tokens, TP 16.
    package let pass: Demand

    package init(step: Demand, stepKeepingClosingCollectives: Demand, pass: Demand) {
      self.step = step
      self.stepKeepingClosingCollectives = stepKeepingClosingCollectives
      self.pass = pass
    }
  }

  /// Solves the ensemble from what the rows ask.
  ///
  /// Members whose ring would have to be faster than its links are impossible and left out.
  package init(rows: Rows) {
    central = Self.member(
      rows, compute: Self.computeShares.central, streaming: Self.streamingShares.central,
      stepSeconds: Self.stepSeconds.central, keepsClosingCollectives: false)
    var members = [central]
    for keeps in [false, true] {
      for compute in Self.computeShares.corners {
        for streaming in Self.streamingShares.corners {
          for seconds in Self.stepSeconds.corners {
            members.append(
              Self.member(
                rows, compute: compute, streaming: streaming, stepSeconds: seconds,
                keepsClosingCollectives: keeps))
          }
        }
      }
    }
    self.members = members.filter { $0.shares.ring > 0 && $0.shares.ring <= 1 }
  }

  /// Each share's central value and the ensemble's extremes, by name.
  package var shares: [(name: String, low: Double, central: Double, high: Double)] {
    let named: [(String, KeyPath<Shares, Double>)] = [
      ("matmul_curve_share", \.compute), ("streaming_bandwidth_share", \.streaming),
      ("ring_bandwidth_share", \.ring),
    ]
    return named.map { name, share in
      let values = members.map { $0.shares[keyPath: share] }
      return (name, values.min() ?? 0, central.shares[keyPath: share], values.max() ?? 0)
    }
  }

  private static func member(
    _ rows: Rows, compute: Double, streaming: Double, stepSeconds: Double,
    keepsClosingCollectives: Bool
  ) -> Member {
    let step = keepsClosingCollectives ? rows.stepKeepingClosingCollectives : rows.step
    // The step is linear in 1 / ring share: a ring of no duration leaves what it has to take.
    let ringless = Shares(compute: compute, streaming: streaming, ring: .infinity)
    let shares = Shares(
      compute: compute, streaming: streaming,
      ring: step.ringSeconds / (stepSeconds - step.time(with: ringless).total))
    return Member(
      shares: shares, keepsClosingCollectives: keepsClosingCollectives,
      hostSecondsPerPass: max(0, passSeconds - rows.pass.time(with: shares).total))
  }
}

extension Calibration {
  /// A central value and the ends of what the rows leave open.
  struct Range {
    let low: Double
    let central: Double
    let high: Double

    var corners: [Double] { [low, high] }
  }

  /// GPT-J 6B on a Bow Pod16 takes 20-22 s a step, printed as 20.5 +- 1 (Graphcore GPT-J notebook).
  static let stepSeconds = Range(low: 19.5, central: 20.5, high: 21.5)

  /// 420 s for about 1,450 passes: 9,832 answers in 16 slots (Graphcore GPT-J notebook).
  static let passSeconds = 420.0 / 1450

  /// 84, 136 and 180 TFLOP/s over the calibration step: the row identifies compute only so far.
  static let computeShares = Range(low: 0.4, central: 0.65, high: 0.86)

  /// 10, 13 and 15.75 GB/s; the link's bound is PCIe Gen4 x8, the lower end what the row allows.
  static let streamingShares = Range(low: 0.63, central: 0.82, high: 1)
}
