/// What work asks of one rank's machine, in seconds at the machine's own figures.
///
/// Calibration divides some of them by the share of the figure that is really reached, so one walk
/// over the Program serves every member of the ensemble.
package struct Demand: Sendable, Equatable {
  /// Matmuls and attention's products, at the published share of peak for their shapes.
  package var matmulSeconds = 0.0
  /// Norms, gelu, softmax, rotary, the optimizer: bytes through the tiles' own memory, and functions.
  package var vectorSeconds = 0.0
  /// Between tiles, and their synchronisation.
  package var exchangeSeconds = 0.0
  /// Streaming memory, at the bound of its link.
  package var streamingSeconds = 0.0
  /// Round trips to streaming memory, whatever their size.
  package var streamingLatencySeconds = 0.0
  /// Collectives between IPUs, at the links' physical rate.
  package var linkSeconds = 0.0
  /// Supersteps of those collectives: how often an IPU waits for its neighbour.
  package var linkSteps = 0.0
  package var hostSeconds = 0.0
  /// What of all this runs side by side.
  package internal(set) var overlaps: [Overlap] = []

  package init() {}

  /// In the order in which they are declared.
  package var values: [Double] {
    [
      matmulSeconds, vectorSeconds, exchangeSeconds, streamingSeconds, streamingLatencySeconds,
      linkSeconds, linkSteps, hostSeconds,
    ]
  }

  package init(values: [Double]) {
    precondition(values.count == 8, "\(values.count) parts of a demand")
    (matmulSeconds, vectorSeconds, exchangeSeconds) = (values[0], values[1], values[2])
    (streamingSeconds, streamingLatencySeconds) = (values[3], values[4])
    (linkSeconds, linkSteps, hostSeconds) = (values[5], values[6], values[7])
  }

  /// Adds a demand so many times; spelled out, for this runs for every operation of every plan.
  package mutating func add(_ part: Demand, times count: Int = 1) {
    let times = Double(count)
    matmulSeconds += part.matmulSeconds * times
    vectorSeconds += part.vectorSeconds * times
    exchangeSeconds += part.exchangeSeconds * times
    streamingSeconds += part.streamingSeconds * times
    streamingLatencySeconds += part.streamingLatencySeconds * times
    linkSeconds += part.linkSeconds * times
    linkSteps += part.linkSteps * times
    hostSeconds += part.hostSeconds * times
    if !part.overlaps.isEmpty { add(part.overlaps, times: count) }
  }

  /// What overlaps turns so much more often.
  mutating func add(_ parts: [Overlap], times count: Int = 1) {
    for var overlap in parts {
      overlap.turns *= count
      overlaps.append(overlap)
    }
  }

  /// The time of this work where those shares of the machine's figures are reached; only what
  /// `overlaps` says runs at the same time.
  package func time(with shares: Calibration.Shares) -> TimeSplit {
    var split = TimeSplit(
      compute: matmulSeconds / shares.compute, vector: vectorSeconds, exchange: exchangeSeconds,
      streaming: streamingSeconds / shares.streaming + streamingLatencySeconds,
      collective: linkSeconds / shares.ring + linkSteps * shares.secondsPerRingStep,
      host: hostSeconds)
    for overlap in overlaps { split -= overlap.hidden(with: shares) }
    return split
  }
}

/// Seconds of one rank by what it waits for.
package struct TimeSplit: Sendable, Equatable {
  package var compute = 0.0
  package var vector = 0.0
  package var exchange = 0.0
  package var streaming = 0.0
  package var collective = 0.0
  package var host = 0.0

  package var total: Double { compute + vector + exchange + streaming + collective + host }

  /// Each part with its name, in the order of a report's columns.
  package var parts: [(name: String, seconds: Double)] {
    [
      ("compute", compute), ("vector", vector), ("exchange", exchange), ("streaming", streaming),
      ("collective", collective), ("host", host),
    ]
  }

  /// The part that takes longest.
  package var bound: String { parts.max { $0.seconds < $1.seconds }?.name ?? "compute" }
}
