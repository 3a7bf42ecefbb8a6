extension PodTopology.IPU {
  package func matmulFlopsPerCyclePerTile(for precision: IPUPrecision) -> Double {
    switch precision {
    case .float16: float16MatmulFlopsPerCyclePerTile
    case .float32: float32MatmulFlopsPerCyclePerTile
    }
  }

  /// With every tile multiplying in every cycle.
  package func peakFlopsPerSecond(for precision: IPUPrecision) -> Double {
    Double(tiles) * matmulFlopsPerCyclePerTile(for: precision) * clockHertz
  }

  package var sramBytes: Int { tiles * sramBytesPerTile }

  package var sramBytesPerSecond: Double { Double(tiles) * sramBytesPerCyclePerTile * clockHertz }

  package var exchangeBytesPerSecond: Double {
    Double(tiles) * exchangeBytesPerCyclePerTile * clockHertz
  }
}

extension PodTopology {
  package var ipus: Int { machineCount * machine.ipus }

  package func peakFlopsPerSecond(for precision: IPUPrecision) -> Double {
    Double(ipus) * ipu.peakFlopsPerSecond(for: precision)
  }

  package var sramBytes: Int { ipus * ipu.sramBytes }

  package var streamingBytes: Int { ipus * machine.streamingBytesPerIPU }

  /// What one IPU moves to or from streaming memory while `ranks` IPUs do the same, packed into
  /// machines: its own link bounds it, and its share of the machine's memory.
  package func streamingBytesPerSecondPerIPU(ranks: Int) -> Double {
    min(
      machine.streamingBytesPerSecondPerIPU, machine.streamingBytesPerSecond / busyIPUs(ranks))
  }

  /// What one IPU exchanges with the host while `ranks` IPUs do the same.
  package func hostBytesPerSecondPerIPU(ranks: Int) -> Double {
    min(machine.hostBytesPerSecondPerIPU, machine.hostLinkBytesPerSecond / busyIPUs(ranks))
  }

  private func busyIPUs(_ ranks: Int) -> Double { Double(max(1, min(ranks, machine.ipus))) }

  package var pricePerIPUHourUSD: Double { pricePerHourUSD / Double(ipus) }
}
