import Configuration
import FoundationEssentials
import Testing

@testable import Topology

/// The folder of the built-in topologies, found from this file.
private let folder = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "topologies")

@Suite struct PodTopologyTests {
  @Test func `the table of built-in names is the folder`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(files.sorted() == PodTopology.builtInNames.map { "\($0).yml" }.sorted())
  }

  @Test(arguments: PodTopology.builtInNames)
  func `a built-in topology parses and equals its file`(name: String) throws {
    let pod = try PodTopology.named(name)
    #expect(pod.name == name)
    #expect(pod == (try PodTopology.named(folder.appending(path: "\(name).yml").path)))
  }

  @Test(arguments: PodTopology.builtInNames)
  func `every figure has a source, and a unit unless it is a word`(name: String) throws {
    let pod = try PodTopology.named(name)
    #expect(pod.figures.count == 26)
    #expect(Set(pod.figures.map(\.path)).count == 26)
    for figure in pod.figures {
      #expect(!figure.source.isEmpty)
      #expect(figure.line > 0)
      switch figure.value {
      case .number(let value): #expect(!figure.unit.isEmpty && value.isFinite)
      case .word(let word): #expect(figure.unit.isEmpty && !word.isEmpty)
      }
    }
  }

  @Test(arguments: PodTopology.builtInNames)
  func `a price says that it is derived and not published`(name: String) throws {
    let pod = try PodTopology.named(name)
    let price = try #require(pod.figures.first { $0.path == "pod.price" })
    #expect(price.source.hasPrefix("derived: "))
    #expect(price.source.contains("no price of this system is published"))
    // $74 for 2.783 h of 16 IPUs; the files round to the cent.
    #expect(abs(pod.pricePerIPUHourUSD - 74 / 2.783 / 16) < 0.001)
  }

  @Test func `a Bow IPU has the datasheet's arithmetic`() throws {
    let ipu = try PodTopology.named("pod16").ipu
    #expect(ipu.peakFlopsPerSecond(for: .float16) == 128 * 1472 * 1.85e9)
    #expect(abs(ipu.peakFlopsPerSecond(for: .float16) - 348.6e12) < 0.05e12)
    #expect(abs(ipu.peakFlopsPerSecond(for: .float32) - 87.1e12) < 0.1e12)
    #expect(ipu.sramBytes == 897 << 20)
    #expect(ipu.tiles * ipu.threadsPerTile == 8832)
    #expect(abs(ipu.sramBytesPerSecond - 66e12) < 0.6e12)
    #expect(abs(ipu.exchangeBytesPerSecond - 10.9e12) < 0.1e12)
  }

  @Test(arguments: [
    ("pod4", 4, 1.4), ("pod16", 16, 5.6), ("pod64", 64, 22.3), ("pod256", 256, 89.2),
  ])
  func `a Bow Pod has the datasheet's peak`(name: String, ipus: Int, petaflops: Double) throws {
    let pod = try PodTopology.named(name)
    #expect(pod.ipus == ipus)
    #expect(abs(pod.peakFlopsPerSecond(for: .float16) / 1e15 - petaflops) < 0.05)
    #expect(pod.streamingBytes == ipus * 32_000_000_000)
    #expect(pod.streamingBytesPerSecondPerIPU(ranks: ipus) == 15.75e9)
    #expect(pod.sramBytes == ipus * 897 << 20)
  }

  @Test func `the classic pod differs from the Bow Pod16 by its clock`() throws {
    let classic = try PodTopology.named("pod16-classic")
    let bow = try PodTopology.named("pod16")
    #expect(classic.ipu.clockHertz == 1.33e9)
    // 250 TFLOP/s is published, at a clock between 1.325 and 1.33 GHz.
    #expect(abs(classic.ipu.peakFlopsPerSecond(for: .float16) - 250e12) < 1e12)
    var same = classic
    (same.name, same.summary, same.figures) = (bow.name, bow.summary, bow.figures)
    same.ipu = bow.ipu
    #expect(same == bow)
  }

  @Test func `a ring has the links of its scope`() throws {
    let pod = try PodTopology.named("pod16")
    #expect(pod.groupLinks(ranks: 1) == PodTopology.GroupLinks())
    for (ranks, rate) in [(2, 96e9), (4, 32e9), (16, 32e9)] {
      let links = pod.groupLinks(ranks: ranks)
      #expect(links.inside == PodTopology.Ring(ranks: ranks, bytesPerSecond: rate))
      #expect(links.across == nil)
    }
    #expect(pod.linkScope(ranks: 4) == .insideMachine)
    #expect(pod.linkScope(ranks: 16) == .betweenMachines)
    #expect(pod.linkScope(ranks: 2, stride: 4) == .betweenMachines)
  }

  @Test func `beyond the link domain a group has a ring in each and gateway links between`() throws
  {
    let pods = try PodTopology.named("pod256")
    #expect(pods.linkScope(ranks: 64) == .betweenMachines)
    #expect(pods.linkScope(ranks: 4, stride: 64) == .acrossRacks)
    let gateway = 2 * 12.5e9 / 4
    let orthogonal = pods.groupLinks(ranks: 4, stride: 64)
    #expect(orthogonal.inside == nil)
    #expect(orthogonal.across == PodTopology.Ring(ranks: 4, bytesPerSecond: gateway))
    let all = pods.groupLinks(ranks: 256)
    #expect(all.inside == PodTopology.Ring(ranks: 64, bytesPerSecond: 32e9))
    #expect(all.across == PodTopology.Ring(ranks: 4, bytesPerSecond: gateway))
    let strided = pods.groupLinks(ranks: 32, stride: 8)
    #expect(strided.inside == PodTopology.Ring(ranks: 8, bytesPerSecond: 8e9))
    #expect(strided.across?.ranks == 4)
  }

  @Test func `a strided group has a ring only when it fills the domain of a torus`() throws {
    let torus = try PodTopology.named("pod64")
    #expect(torus.hasRing(ranks: 4, stride: 16))
    #expect(!torus.hasRing(ranks: 2, stride: 16))
    #expect(torus.hasRing(ranks: 16))
    let mesh = try PodTopology.named("pod16")
    #expect(!mesh.hasRing(ranks: 4, stride: 4))
    let gather = PodTopology.Ring(ranks: 4, bytesPerSecond: 32e9, spannedIPUs: 16)
    #expect(mesh.groupLinks(ranks: 4, stride: 4).inside == gather)
    let known = mesh.groupLinks(ranks: 4, stride: 4, replicasHaveRings: true)
    #expect(known.inside == PodTopology.Ring(ranks: 4, bytesPerSecond: 16e9))
  }

  @Test(arguments: [(2, 32e9), (4, 16e9), (8, 8e9), (16, 4e9), (32, 2e9)])
  func `strided rings that run at once share the rails`(stride: Int, rate: Double) throws {
    let links = try PodTopology.named("pod64").groupLinks(ranks: 64 / stride, stride: stride)
    #expect(links.inside?.bytesPerSecond == rate)
  }

  @Test func `the IPUs of a machine share its streaming memory and its host link`() throws {
    var pod = try PodTopology.named("pod16")
    #expect(pod.hostBytesPerSecondPerIPU(ranks: 1) == 5.5e9)
    #expect(pod.hostBytesPerSecondPerIPU(ranks: 4) == 12.5e9 / 4)
    #expect(pod.hostBytesPerSecondPerIPU(ranks: 16) == 12.5e9 / 4)
    pod.machine.streamingBytesPerSecond = 20e9
    #expect(pod.streamingBytesPerSecondPerIPU(ranks: 1) == 15.75e9)
    #expect(pod.streamingBytesPerSecondPerIPU(ranks: 2) == 10e9)
    #expect(pod.streamingBytesPerSecondPerIPU(ranks: 64) == 5e9)
  }
}
