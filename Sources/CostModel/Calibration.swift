/// What was fitted, and to what: shares of a machine's own figures that its software reaches.
///
/// The published rows cannot tell all shares apart, so the calibration is an ensemble: each member
/// fixes what they leave open (a streaming share, a ring step's latency, two readings of the rows)
/// and solves the rest. The central member gives the figure, the members' extremes its interval.
package struct Calibration: Sendable, Equatable {
  package let central: Member
  /// The central member among them.
  package let members: [Member]

  package struct Shares: Sendable, Equatable {
    /// Of the published curve of dense products.
    package var compute: Double
    /// Of the streaming link's bound.
    package var streaming: Double
    /// Of the links' physical rate.
    package var ring: Double
    /// One superstep of a collective between IPUs, whatever its size.
    package var secondsPerRingStep: Double

    package init(compute: Double, streaming: Double, ring: Double, secondsPerRingStep: Double) {
      self.compute = compute
      self.streaming = streaming
      self.ring = ring
      self.secondsPerRingStep = secondsPerRingStep
    }
  }

  /// What the rows leave open, and each member fixes.
  package struct Reading: Sendable, Equatable {
    package var streaming: Double
    package var secondsPerRingStep: Double
    package var stepSeconds: Double
    /// Whether the reference's step ran the dead all-reduces of its recomputed layers.
    package var keepsClosingCollectives: Bool
    /// Another program's share of the products' curve over that of the BERT rows.
    package var productsFactor: Double
  }

  /// One reading of the rows, and what it makes of them.
  package struct Member: Sendable, Equatable {
    package let reading: Reading
    package let shares: Shares
    /// Beside a generative pass on the pod: the host's loop round it.
    package let hostSecondsPerPass: Double
    /// Beside a pipeline's turns and reduction: its optimizer and the host.
    package let pipelineSecondsPerStep: Double

    package var keepsClosingCollectives: Bool { reading.keepsClosingCollectives }
  }

  /// What the calibration rows ask of their pods, with every share 1.
  package struct Rows: Sendable, Equatable {
    /// A training step of GPT-J 6B on a Bow Pod16: TP 16, 1024 tokens, 128 sequences, micro-batch 1.
    package var step: Demand
    /// The same with the dead all-reduces of the recomputed layers.
    package var stepKeepingClosingCollectives: Demand
    /// A generative pass over 16 sequences of 229 tokens, TP 16, on the same pod.
    package var pass: Demand
    /// One turn of BERT-Large's slowest stage.
    package var bertStage: Demand
    /// What follows the turns on a Bow Pod64, and on a Bow Pod256.
    package var bertClosing64: Demand
    package var bertClosing256: Demand

    package init(
      step: Demand, stepKeepingClosingCollectives: Demand, pass: Demand, bertStage: Demand,
      bertClosing64: Demand, bertClosing256: Demand
    ) {
      self.step = step
      self.stepKeepingClosingCollectives = stepKeepingClosingCollectives
      self.pass = pass
      self.bertStage = bertStage
      self.bertClosing64 = bertClosing64
      self.bertClosing256 = bertClosing256
    }
  }

  /// Solves the ensemble from what the rows ask.
  ///
  /// Members whose links or products would have to be faster than the machine are impossible and
  /// left out.
  package init(rows: Rows) {
    central = Self.solve(rows, .central)
    members =
      [central]
      + Reading.corners.map { Self.solve(rows, $0) }.filter {
        (0...1).contains($0.shares.ring) && (0...1).contains($0.shares.compute)
      }
  }

  /// The fitted constants: each one's central value and the ensemble's extremes, by name.
  package var constants: [Constant] {
    let named: [(String, String, (Member) -> Double)] = [
      ("matmul_curve_share", "", { $0.shares.compute }),
      ("streaming_bandwidth_share", "", { $0.shares.streaming }),
      ("link_bandwidth_share", "", { $0.shares.ring }),
      ("seconds_per_ring_step", "s", { $0.shares.secondsPerRingStep }),
      ("host_seconds_per_pass", "s", { $0.hostSecondsPerPass }),
      ("pipeline_seconds_per_step", "s", { $0.pipelineSecondsPerStep }),
    ]
    return named.map { name, unit, value in
      let values = members.map(value)
      return Constant(
        name: name, unit: unit, value: value(central), low: values.min() ?? 0,
        high: values.max() ?? 0)
    }
  }

  package struct Constant: Sendable, Equatable {
    package let name: String
    /// Empty for a share.
    package let unit: String
    package let value: Double
    package let low: Double
    package let high: Double

    package init(name: String, unit: String, value: Double, low: Double, high: Double) {
      self.name = name
      self.unit = unit
      self.value = value
      self.low = low
      self.high = high
    }
  }
}
