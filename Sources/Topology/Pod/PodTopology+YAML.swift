package import Configuration

extension PodTopology {
  /// Reads a topology strictly: every key known, every figure there with its unit and a source.
  ///
  /// The limits are far around anything that could be built, so that a slipped unit is found.
  package init(_ node: YAMLNode) throws(ConfigurationError) {
    var root = try MappingReader(node, sectionsOfKey: Self.sectionsOfKey)
    var reader = TopologyReader()
    name = try root.string("name")
    summary = try root.string("description")
    ipu = try Self.readIPU(&root, &reader)
    machine = try Self.readMachine(&root, &reader)
    links = try Self.readLinks(&root, &reader)
    var pod = try root.mapping("pod")
    machineCount = try reader.whole(&pod, "machines", .count, in: 1...16_384)
    let ipus = try reader.whole(&pod, "ipus", .count, in: 1...65_536)
    pricePerHourUSD = try reader.number(&pod, "price", .dollarsPerHour, in: 0...1e6)
    try pod.finish()
    try root.finish()
    figures = reader.figures
    try check(ipus: ipus, reader)
  }

  private static func readIPU(
    _ root: inout MappingReader, _ reader: inout TopologyReader
  ) throws(ConfigurationError) -> IPU {
    var section = try root.mapping("ipu")
    let ipu = IPU(
      name: try section.string("name"),
      tiles: try reader.whole(&section, "tiles", .count, in: 1...65_536),
      threadsPerTile: try reader.whole(&section, "threads_per_tile", .count, in: 1...64),
      sramBytesPerTile: try reader.whole(&section, "sram_per_tile", .kibibyte, in: 1...65_536),
      clockHertz: try reader.number(&section, "clock", .gigahertz, in: 0.01...20),
      float16MatmulFlopsPerCyclePerTile: try reader.number(
        &section, "matmul_float16", .flopsPerCycle, in: 1...65_536),
      float32MatmulFlopsPerCyclePerTile: try reader.number(
        &section, "matmul_float32", .flopsPerCycle, in: 1...65_536),
      exchangeBytesPerCyclePerTile: try reader.number(
        &section, "exchange", .bytesPerCycle, in: 0.1...1024),
      sramBytesPerCyclePerTile: try reader.number(
        &section, "sram_bandwidth", .bytesPerCycle, in: 0.1...4096))
    try section.finish()
    return ipu
  }

  private static func readMachine(
    _ root: inout MappingReader, _ reader: inout TopologyReader
  ) throws(ConfigurationError) -> Machine {
    var section = try root.mapping("machine")
    let machine = Machine(
      ipus: try reader.whole(&section, "ipus", .count, in: 1...64),
      streamingBytesPerIPU: try reader.whole(
        &section, "streaming_memory_per_ipu", .gigabyte, in: 1...65_536),
      streamingBytesPerSecondPerIPU: try reader.number(
        &section, "streaming_bandwidth_per_ipu", .gigabytesPerSecond, in: 0.01...10_000),
      streamingBytesPerSecond: try reader.number(
        &section, "streaming_bandwidth", .gigabytesPerSecond, in: 0.01...100_000),
      hostBytesPerSecondPerIPU: try reader.number(
        &section, "host_link_per_ipu", .gigabytesPerSecond, in: 0.01...10_000),
      hostLinkBytesPerSecond: try reader.number(
        &section, "host_link", .gigabytesPerSecond, in: 0.01...10_000))
    try section.finish()
    return machine
  }

  private static func readLinks(
    _ root: inout MappingReader, _ reader: inout TopologyReader
  ) throws(ConfigurationError) -> Links {
    var section = try root.mapping("links")
    let links = Links(
      perIPU: try reader.whole(&section, "per_ipu", .count, in: 1...1024),
      bytesPerSecondPerLink: try reader.number(
        &section, "bandwidth", .gigabytesPerSecond, in: 0.01...10_000),
      insideMachinePerIPU: try reader.whole(&section, "inside_machine", .count, in: 0...1024),
      betweenMachinesPerIPU: try reader.whole(&section, "between_machines", .count, in: 0...1024),
      ringPerIPU: try reader.whole(&section, "ring", .count, in: 1...1024),
      acrossRacksPerMachine: try reader.whole(&section, "across_racks", .count, in: 0...1024),
      acrossRacksBytesPerSecondPerLink: try reader.number(
        &section, "across_racks_bandwidth", .gigabytesPerSecond, in: 0.01...10_000),
      kind: try reader.word(&section, "kind"),
      domainIPUs: try reader.whole(&section, "domain", .count, in: 1...65_536))
    try section.finish()
    return links
  }

  /// Keys that are easily put into the wrong section.
  private static let sectionsOfKey: [String: [String]] = [
    "clock": ["ipu"], "tiles": ["ipu"], "price": ["pod"], "machines": ["pod"],
    "host_link": ["machine"], "streaming_bandwidth": ["machine"], "ring": ["links"],
    "domain": ["links"], "kind": ["links"],
  ]

  private func check(ipus: Int, _ reader: TopologyReader) throws(ConfigurationError) {
    try reader.require(
      ipus == machineCount * machine.ipus, "pod.ipus", "\(ipus)",
      expected: "\(machineCount * machine.ipus), machines times IPUs per machine")
    let used = links.insideMachinePerIPU + links.betweenMachinesPerIPU
    try reader.require(
      used <= links.perIPU, "links.per_ipu", "\(links.perIPU)",
      expected: "at least \(used), those inside and between machines")
    try reader.require(
      links.ringPerIPU <= links.perIPU, "links.ring", "\(links.ringPerIPU)",
      expected: "at most \(links.perIPU), the links per IPU")
    try reader.require(
      links.domainIPUs <= ipus && ipus.isMultiple(of: links.domainIPUs), "links.domain",
      "\(links.domainIPUs)", expected: "a divisor of \(ipus), the IPUs of the pod")
    try reader.require(
      links.domainIPUs.isMultiple(of: machine.ipus), "links.domain", "\(links.domainIPUs)",
      expected: "a multiple of \(machine.ipus), the IPUs of a machine")
    try checkReach(reader)
  }

  /// Refuses a pod of which some part cannot be reached.
  private func checkReach(_ reader: TopologyReader) throws(ConfigurationError) {
    if links.domainIPUs > machine.ipus {
      try reader.require(
        links.betweenMachinesPerIPU > 0, "links.between_machines", "0",
        expected: "at least 1, the domain has several machines")
      try reader.require(
        links.ringPerIPU <= links.betweenMachinesPerIPU, "links.ring", "\(links.ringPerIPU)",
        expected: "at most \(links.betweenMachinesPerIPU), the links between machines")
    }
    if ipus > links.domainIPUs {
      try reader.require(
        links.acrossRacksPerMachine > 0, "links.across_racks", "0",
        expected: "at least 1, the pod has several link domains")
    }
  }
}
