import Configuration
import Testing

@testable import Topology

@Suite struct MeasuredHostTests {
  private static let text = """
    kind: host
    name: a machine
    measured: '2026-01-01T00:00:00Z'
    version: 0.1.0, avx512
    cores: 2
    numa_nodes: 1
    memory_bytes: 1000
    peak_flops_per_second: 1e11
    peak_flops_per_second_of_all_cores: 2e11
    memory_bytes_per_second: 1e10
    memory_bytes_per_second_of_all_cores: 1.5e10
    barrier_seconds: 1e-5
    instruction_seconds: 1e-8
    disk:
      write_bytes_per_second: 1e9
      read_bytes_per_second: 2e9
      direct: true
    tables:
    - kind: attention
      element_type: float32
      sequence: [64, 256]
      head_size: [16, 64]
      rates: [1e9, 4e9, 4e9, 16e9]
    - kind: gelu
      element_type: float32
      elements: [256]
      working_set_bytes: [1024, 4096]
      rates: [2e9, 1e9]
    """

  private static func host(_ text: String) throws(ConfigurationError) -> MeasuredHost {
    try MeasuredHost(YAMLNode.parse(text: text, file: "host.yml"))
  }

  @Test func `A file is printed and read back as the same host`() throws {
    let host = try Self.host(Self.text)
    #expect(host.cores == 2 && host.disk?.isDirect == true)
    #expect(try Self.host(host.printed()) == host)
    var without = host
    without.disk = nil
    without.name = "Anyone's 'CPU': 3 GHz"
    #expect(try Self.host(without.printed()) == without)
  }

  @Test
  func `A type is there when all its tables are, in float32 where no other makes a difference`()
    throws
  {
    var host = try Self.host(Self.text)
    host.tables = MeasuredHost.Kind.allCases.flatMap { kind in
      kind.elementTypes.map { type in
        MeasuredHost.Table(
          kind: kind, elementType: type, axes: kind.axes.map { _ in [1] }, rates: [1])
      }
    }
    for type in ["float32", "bfloat16"] { try host.require(type, of: "host.yml") }
    #expect(host.table(.crossEntropyLoss, "bfloat16") == nil)
    host.tables.removeAll { $0.kind == .adamW && $0.elementType == "bfloat16" }
    try host.require("float32", of: "host.yml")
    #expect(
      throws: TopologyError.noTable(file: "host.yml", kind: "adamw", elementType: "bfloat16")
    ) { try host.require("bfloat16", of: "host.yml") }
  }

  @Test func `Between entries rates are straight in the logarithms, beyond them those of the edge`()
    throws
  {
    let table = try #require(try Self.host(Self.text).table(.attention))
    for (point, rate) in [
      ([64, 16], 1e9), ([256, 64], 16e9), ([128, 16], 2e9), ([64, 32], 2e9), ([128, 32], 4e9),
      ([1, 1], 1e9), ([10_000, 10_000], 16e9), ([128, 1 << 40], 8e9),
    ] {
      #expect(abs(table.rate(at: point) / rate - 1) < 1e-9, "\(point)")
    }
  }

  @Test(arguments: [
    ("cores: 2", "cores: two", 5, "cores"),
    ("cores: 2", "coers: 2", 5, "cores"),
    ("numa_nodes: 1", "numa_nodes: 0", 6, "numa_nodes"),
    ("peak_flops_per_second: 1e11", "peak_flops_per_second: .nan", 8, "peak_flops_per_second"),
    ("  direct: true", "  direct: maybe", 17, "disk.direct"),
    ("kind: gelu", "kind: gelo", 24, "gelu"),
    ("kind: gelu", "kind: attention", 24, "sequence"),
    ("elements: [256]", "elements: [256, 128]", 26, "elements"),
    ("rates: [2e9, 1e9]", "rates: [2e9]", 28, "rates"),
    ("rates: [2e9, 1e9]", "rates: [2e9, 0]", 28, "rates"),
    ("rates: [2e9, 1e9]", "rates: [2e9, 1e9]\n  rate: 3", 29, "rate"),
    ("instruction_seconds: 1e-8", "instruction_seconds: 1e-8\nspeed: 9", 14, "speed"),
  ])
  func `What is wrong in a file is named with its line and key`(
    right: String, wrong: String, line: Int, key: String
  ) throws {
    let text = Self.text.replacing(right, with: wrong)
    #expect(text != Self.text)
    let error = try #require(throws: ConfigurationError.self) { try Self.host(text) }
    #expect(error.exitStatus == 65)
    #expect(error.description.contains(key), "\(error)")
    #expect(error.description.hasPrefix("host.yml:\(line):"), "\(error)")
  }

  @Test func `One kernel has one table of a type`() throws {
    let table = try #require(Self.text.split(separator: "tables:\n").last)
    let error = try #require(throws: ConfigurationError.self) {
      try Self.host(Self.text + "\n" + table)
    }
    #expect(error.description.contains("twice"))
  }
}
