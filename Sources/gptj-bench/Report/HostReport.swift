import Reporting
import Topology

/// What `topology show` says of a measured host.
struct HostReport {
  let host: MeasuredHost

  func print(_ output: OutputOptions) throws {
    if output.json {
      return StandardStream.output.writeOrExit(
        try JSONDocument(Document(host), schemaVersion: ReportDocument.schemaVersion).text())
    }
    let width = Terminal.detect(.output, noColor: output.noColor).width
    StandardStream.output.writeOrExit(
      "\(host.name), measured \(host.measured) by \(host.version)\n"
        + figures().text(width: width) + "\n" + tables().text(width: width))
  }

  private func figures() -> Table {
    var table = Table([.init("figure"), .init("value", .right)])
    let disk = host.disk
    let rows: [(String, String)] = [
      ("cores, NUMA nodes", "\(host.cores), \(host.numaNodes)"),
      ("memory", Format.si(Double(host.memoryBytes), "B", digits: 3)),
      ("peak, one core", Format.si(host.peakFlopsPerSecond, "FLOP/s", digits: 3)),
      ("peak, all cores", Format.si(host.peakFlopsPerSecondOfAllCores, "FLOP/s", digits: 3)),
      ("memory bandwidth, one core", Format.si(host.memoryBytesPerSecond, "B/s", digits: 3)),
      (
        "memory bandwidth, all cores",
        Format.si(host.memoryBytesPerSecondOfAllCores, "B/s", digits: 3)
      ),
      ("a wait of all workers", Format.si(host.barrierSeconds, "s", digits: 3)),
      ("an instruction", Format.si(host.instructionSeconds, "s", digits: 3)),
      ("disk, written", disk.map { Format.si($0.writeBytesPerSecond, "B/s", digits: 3) } ?? ""),
      ("disk, read", disk.map { Format.si($0.readBytesPerSecond, "B/s", digits: 3) } ?? ""),
    ]
    for (name, value) in rows where !value.isEmpty { table.add([name, value]) }
    return table
  }

  private func tables() -> Table {
    var table = Table([
      .init("kernel"), .init("type"), .init("entries", .right), .init("least", .right),
      .init("most", .right), .init("by"),
    ])
    for rates in host.tables {
      let unit = rates.kind.unit
      table.add([
        rates.kind.rawValue, rates.elementType, "\(rates.rates.count)",
        Format.si(rates.rates.min() ?? 0, unit, digits: 3),
        Format.si(rates.rates.max() ?? 0, unit, digits: 3),
        rates.kind.axes.joined(separator: ", "),
      ])
    }
    return table
  }

  private struct Document: Encodable {
    let name, measured, version: String
    let cores, numaNodes, memoryBytes: Int
    let peakFlopsPerSecond, peakFlopsPerSecondOfAllCores: Double
    let memoryBytesPerSecond, memoryBytesPerSecondOfAllCores: Double
    let barrierSeconds, instructionSeconds: Double
    let diskWriteBytesPerSecond, diskReadBytesPerSecond: Double?
    let tables: [Rates]

    struct Rates: Encodable {
      let kind, elementType, unit: String
      let axes: [Axis]
      let rates: [Double]
    }

    struct Axis: Encodable {
      let name: String
      let values: [Int]
    }

    init(_ host: MeasuredHost) {
      name = host.name
      measured = host.measured
      version = host.version
      cores = host.cores
      numaNodes = host.numaNodes
      memoryBytes = host.memoryBytes
      peakFlopsPerSecond = host.peakFlopsPerSecond
      peakFlopsPerSecondOfAllCores = host.peakFlopsPerSecondOfAllCores
      memoryBytesPerSecond = host.memoryBytesPerSecond
      memoryBytesPerSecondOfAllCores = host.memoryBytesPerSecondOfAllCores
      barrierSeconds = host.barrierSeconds
      instructionSeconds = host.instructionSeconds
      diskWriteBytesPerSecond = host.disk?.writeBytesPerSecond
      diskReadBytesPerSecond = host.disk?.readBytesPerSecond
      tables = host.tables.map { table in
        Rates(
          kind: table.kind.rawValue, elementType: table.elementType, unit: table.kind.unit,
          axes: zip(table.kind.axes, table.axes).map { Axis(name: $0, values: $1) },
          rates: table.rates)
      }
    }
  }
}
