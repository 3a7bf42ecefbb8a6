/// What work asks of one rank's machine, in seconds at the machine's own figures.
///
/// Calibration divides some of them by the share of the figure that is really reached, so one walk
/// over the Program serves every member of the ensemble.
package struct Demand: Sendable, Equatable {
  /// Matmuls and attention's products, at the published share of peak for their shapes.
  package var matmulSeconds = 0.0
  /// Norms, gelu, softmax, rotary, the optimizer: bytes through the tiles' own memory.
  package var vectorSeconds = 0.0
  /// Between tiles, and their synchronisation.
  package var exchangeSeconds = 0.0
  /// Streaming memory, at the bound of its link.
  package var streamingSeconds = 0.0
  /// Rings between IPUs, at the links' physical rate.
  package var ringSeconds = 0.0
  /// Steps of those rings, whatever their size.
  package var ringLatencySeconds = 0.0
  package var hostSeconds = 0.0
  /// What of all this runs side by side.
  package internal(set) var overlaps: [Overlap] = []

  package init(
    matmulSeconds: Double = 0, vectorSeconds: Double = 0, exchangeSeconds: Double = 0,
    streamingSeconds: Double = 0, ringSeconds: Double = 0, ringLatencySeconds: Double = 0,
    hostSeconds: Double = 0, overlaps: [Overlap] = []
  ) {
    self.matmulSeconds = matmulSeconds
    self.vectorSeconds = vectorSeconds
    self.exchangeSeconds = exchangeSeconds
    self.streamingSeconds = streamingSeconds
    self.ringSeconds = ringSeconds
    self.ringLatencySeconds = ringLatencySeconds
    self.hostSeconds = hostSeconds
    self.overlaps = overlaps
  }

  package static func += (sum: inout Demand, part: Demand) {
    sum.matmulSeconds += part.matmulSeconds
    sum.vectorSeconds += part.vectorSeconds
    sum.exchangeSeconds += part.exchangeSeconds
    sum.streamingSeconds += part.streamingSeconds
    sum.ringSeconds += part.ringSeconds
    sum.ringLatencySeconds += part.ringLatencySeconds
    sum.hostSeconds += part.hostSeconds
    if !part.overlaps.isEmpty { sum.overlaps += part.overlaps }
  }

  package static func * (demand: Demand, times: Int) -> Demand {
    var product = demand
    product.matmulSeconds *= Double(times)
    product.vectorSeconds *= Double(times)
    product.exchangeSeconds *= Double(times)
    product.streamingSeconds *= Double(times)
    product.ringSeconds *= Double(times)
    product.ringLatencySeconds *= Double(times)
    product.hostSeconds *= Double(times)
    for index in product.overlaps.indices { product.overlaps[index].turns *= times }
    return product
  }

  /// The time of this work where those shares of the machine's figures are reached; only what
  /// `overlaps` says runs at the same time.
  package func time(with shares: Calibration.Shares) -> TimeSplit {
    var split = TimeSplit(
      compute: matmulSeconds / shares.compute, vector: vectorSeconds, exchange: exchangeSeconds,
      streaming: streamingSeconds / shares.streaming,
      collective: ringSeconds / shares.ring + ringLatencySeconds, host: hostSeconds)
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
