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

  package var streamingBytesPerSecondPerIPU: Double { machine.streamingBytesPerSecondPerIPU }

  package var pricePerIPUHourUSD: Double { pricePerHourUSD / Double(ipus) }

  /// The links that a group needs whose `ranks` members are `stride` IPUs apart.
  ///
  /// Groups are taken to begin at a multiple of their span, as the plan lays them.
  package func linkScope(ranks: Int, stride: Int = 1) -> LinkScope {
    let span = Self.span(ranks: ranks, stride: stride)
    if span <= machine.ipus { return .insideMachine }
    return span <= links.domainIPUs ? .betweenMachines : .acrossRacks
  }

  /// What each IPU of a ring sends at most, in one direction; infinite for a single rank.
  ///
  /// A pair uses all links between its IPUs, larger groups those of a ring, and groups beyond the
  /// link domain the GW-Links, which the IPUs of a machine share. Groups that run at the same time
  /// over the same IPU-Links are not counted against each other.
  package func ringBytesPerSecond(ranks: Int, stride: Int = 1) -> Double {
    let span = Self.span(ranks: ranks, stride: stride)
    if span <= 1 { return .infinity }
    if linkScope(ranks: ranks, stride: stride) == .acrossRacks {
      let ofMachine = Double(links.acrossRacksPerMachine) * links.acrossRacksBytesPerSecondPerLink
      return ofMachine / Double(machine.ipus)
    }
    let isPair = span == 2 && links.insideMachinePerIPU > 0
    let count = isPair ? links.insideMachinePerIPU : links.ringPerIPU
    return Double(count) * links.bytesPerSecondPerLink
  }

  /// Whether the collective library runs a ring over the group, instead of gathering from everyone.
  ///
  /// Source: Graphcore popxl-addons: groups of consecutive replicas have a ring, others only when
  /// they fill the link domain of a torus.
  package func hasRing(ranks: Int, stride: Int = 1) -> Bool {
    stride == 1 || (links.kind == .torus && ranks * stride == links.domainIPUs)
  }

  private static func span(ranks: Int, stride: Int) -> Int {
    precondition(ranks >= 1 && stride >= 1, "a group of \(ranks) ranks at stride \(stride)")
    return (ranks - 1) * stride + 1
  }
}
