import FoundationEssentials
import Testing

@testable import Topology

@Suite struct HostTopologyTests {
  @Test func `a synthetic host is what its description says`() throws {
    let host = try HostTopology.synthetic("pack:2 [numa] core:8 pu:2")
    #expect(host.packageCount == 2)
    #expect(host.numaNodes.map(\.index) == [0, 1])
    #expect(host.coreCount == 16)
    #expect(host.units.count == 32)
    #expect(host.allowedUnits == host.units)
    #expect(!host.isThisMachine)
    #expect(host.cpuModel == "synthetic")
    #expect(host.units[17].coreIndex == 8)
    #expect(host.units[17].nodeIndex == 1)
    #expect(host.units[17].packageIndex == 1)
  }

  @Test func `sizes of memory and caches are read from a description`() throws {
    let host = try HostTopology.synthetic(
      "pack:2 [numa(memory=1073741824)] l3:1(size=33554432) core:4 pu:1")
    #expect(host.memoryBytes == 2 << 30)
    #expect(host.caches == [.init(level: 3, kind: .unified, bytes: 32 << 20, count: 2)])
  }

  @Test(arguments: [
    "", "pack:2 nonsense:3", "pack:two", "pack:0 core:2", "core:99999999999999999999 pu:1",
    "core:100000 pu:1000", "pack:-2 core:4", "pack:2 [numa", "core:2(size= pu:1", "(", ":", "[]",
    "core:9223372036854775807 pu:3",
  ])
  func `a description that is no machine is named in the error`(description: String) {
    let error = #expect(throws: TopologyError.self) {
      try HostTopology.synthetic(description)
    }
    #expect(error?.exitStatus == 64)
    #expect(error.map { "\($0)".contains("'\(description)'") } == true)
  }

  @Test(arguments: [
    "8", "2 4 2", "numa:2(memory=1GB indexes=0,1) core:4(indexes=2*4:4*2) pu:1",
    "pack:1 core:1024 pu:1",
  ])
  func `hwloc's other spellings are accepted`(description: String) throws {
    #expect(try HostTopology.synthetic(description).allowedUnits.count >= 8)
  }

  @Test func `this machine is seen as the kernel reports it`() throws {
    let host = try HostTopology.detect()
    try #require(host.isThisMachine, "HWLOC_SYNTHETIC or HWLOC_XMLFILE is set")
    #expect(host.synthetic == nil)
    #expect(!host.allowedUnits.isEmpty)
    #expect(host.numaNodes.count >= 1)
    #expect(host.memoryBytes > 0)
    #expect(host.cpuModel != "synthetic")
    let allowed = try affinityOfThisProcess()
    #expect(Set(host.allowedUnits.map(\.index)) == allowed)
    #expect(host.units.count >= host.allowedUnits.count)
  }
}

/// The first thread's affinity mask in the kernel's own words.
private func affinityOfThisProcess() throws -> Set<Int> {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let key = "Cpus_allowed_list:"
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(key) })
  let list = line.dropFirst(key.count).filter { !$0.isWhitespace }
  return Set(try PlacementPolicy.units(in: String(list)))
}
