package import Configuration

extension MeasuredHost {
  /// What stands under `kind` of a file that describes a host rather than a pod.
  static let fileKind = "host"

  /// Reads a host's file strictly: every key known and there, every list as long as it must be.
  ///
  /// - Throws: `TopologyError.file` naming file, line and key.
  package static func file(_ path: String) throws(TopologyError) -> MeasuredHost {
    do throws(ConfigurationError) {
      return try MeasuredHost(YAMLNode.parse(path: path))
    } catch {
      throw .file(error)
    }
  }

  /// Whether a file says of itself that it describes a host.
  package static func describes(_ path: String) -> Bool {
    guard let node = try? YAMLNode.parse(path: path), var root = try? MappingReader(node),
      let kind = try? root.optionalString("kind")
    else { return false }
    return kind == fileKind
  }

  package init(_ node: YAMLNode) throws(ConfigurationError) {
    var root = try MappingReader(node)
    _ = try root.string("kind", oneOf: [Self.fileKind])
    name = try root.string("name")
    measured = try root.string("measured")
    version = try root.string("version")
    cores = try root.int("cores", in: 1...65_536)
    numaNodes = try root.int("numa_nodes", in: 1...1024)
    memoryBytes = try root.int("memory_bytes", in: 0...(1 << 50))
    peakFlopsPerSecond = try root.rate("peak_flops_per_second")
    peakFlopsPerSecondOfAllCores = try root.rate("peak_flops_per_second_of_all_cores")
    memoryBytesPerSecond = try root.rate("memory_bytes_per_second")
    memoryBytesPerSecondOfAllCores = try root.rate("memory_bytes_per_second_of_all_cores")
    barrierSeconds = try root.double("barrier_seconds", in: 0...1)
    instructionSeconds = try root.double("instruction_seconds", in: 0...1)
    disk = nil
    if var section = try root.optionalMapping("disk") {
      disk = Disk(
        writeBytesPerSecond: try section.rate("write_bytes_per_second"),
        readBytesPerSecond: try section.rate("read_bytes_per_second"),
        isDirect: try section.bool("direct"))
      try section.finish()
    }
    tables = []
    for var section in try root.mappings("tables") {
      let table = try Table(&section)
      guard self.table(table.kind, table.elementType) == nil else {
        throw ConfigurationError(
          .badValue, at: section.place, "\(table.kind.rawValue) in \(table.elementType) is twice",
          expected: "one table of each kind and type")
      }
      tables.append(table)
    }
    try root.finish()
  }

  /// As a file that reads back to the same value.
  package func printed() -> String {
    var lines = [
      "# What this machine was measured to do; rates are per second of a thread's CPU time.",
      "kind: \(Self.fileKind)", "name: \(Self.quoted(name))",
      "measured: \(Self.quoted(measured))", "version: \(Self.quoted(version))",
      "cores: \(cores)", "numa_nodes: \(numaNodes)", "memory_bytes: \(memoryBytes)",
      "peak_flops_per_second: \(peakFlopsPerSecond)",
      "peak_flops_per_second_of_all_cores: \(peakFlopsPerSecondOfAllCores)",
      "memory_bytes_per_second: \(memoryBytesPerSecond)",
      "memory_bytes_per_second_of_all_cores: \(memoryBytesPerSecondOfAllCores)",
      "barrier_seconds: \(barrierSeconds)", "instruction_seconds: \(instructionSeconds)",
    ]
    if let disk {
      lines += [
        "disk:", "  write_bytes_per_second: \(disk.writeBytesPerSecond)",
        "  read_bytes_per_second: \(disk.readBytesPerSecond)", "  direct: \(disk.isDirect)",
      ]
    }
    lines.append("tables:")
    for table in tables {
      lines += [
        "- kind: \(table.kind.rawValue)", "  element_type: \(table.elementType)",
      ]
      lines += zip(table.kind.axes, table.axes).map { "  \($0): \($1)" }
      lines.append("  rates: \(table.rates)  # \(table.kind.unit)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "''") + "'"
  }
}

extension MeasuredHost.Table {
  fileprivate init(_ section: inout MappingReader) throws(ConfigurationError) {
    kind = try section.choice("kind")
    elementType = try section.string("element_type", oneOf: ["float32", "bfloat16", "float16"])
    axes = []
    for name in kind.axes {
      let axis = try section.ints(name, in: 1...(1 << 40), count: 1...32)
      guard zip(axis, axis.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw ConfigurationError(
          .badValue, at: section.place(of: name), "\(section.name(name)) is \(axis)",
          expected: "ascending numbers")
      }
      axes.append(axis)
    }
    let count = axes.reduce(1) { $0 * $1.count }
    rates = try section.doubles("rates", in: 1...1e18, count: count...count)
    try section.finish()
  }
}

extension MappingReader {
  fileprivate mutating func rate(_ key: String) throws(ConfigurationError) -> Double {
    try double(key, in: 1...1e18)
  }
}
