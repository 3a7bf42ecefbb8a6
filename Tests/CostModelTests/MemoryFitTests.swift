import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("A plan that does not fit says what, where and by how much")
struct MemoryFitTests {
  @Test("The reference's plans fit: training on both pods, inference at TP 4 with 12 x 1024 tokens")
  func published() throws {
    #expect(try estimator().memory(of: trainingStep()).fits)
    #expect(try estimator("pod64").memory(of: trainingStep(dataParallel: 4)).fits)
    let pass = try inferencePass(sequenceLength: 1024, tensorParallel: 4, microBatchSize: 12)
    #expect(try estimator("pod4").memory(of: pass).fits)
  }

  @Test("32 sequences at once do not fit the tiles, and the backward pass is where")
  func batch() throws {
    let fit = try estimator().memory(of: trainingStep(microBatchSize: 32))
    #expect(!fit.fits)
    let shortfall = try #require(fit.shortfalls.first { $0.phase == "decoder_backward" })
    #expect(shortfall.space == .sram)
    #expect(shortfall.missingBytes == shortfall.bytes - fit.sramBytesPerIPU)
    #expect(shortfall.bytes == fit.sramPeakBytesPerIPU)
    #expect(shortfall.largest.contains { $0.name == "decoder_backward/x" })
    #expect(shortfall.description.contains("\(shortfall.missingBytes) too many"))
    #expect(fit.streamingPeakBytesPerIPU <= fit.streamingBytesPerIPU)
  }

  @Test("One IPU holds neither the model nor its training state")
  func alone() throws {
    let fit = try estimator().memory(of: trainingStep(tensorParallel: 1))
    #expect(Set(fit.shortfalls.map(\.space)) == [.sram, .streaming])
    let streaming = try #require(fit.shortfalls.first { $0.space == .streaming })
    #expect(streaming.bytes == fit.streamingPeakBytesPerIPU)
    #expect(streaming.largest.first?.name == "x")
    #expect(fit.reasons.count == fit.shortfalls.count)
  }

  @Test("Tiles given to I/O are lost to the Program")
  func ioTiles() throws {
    let topology = try PodTopology.named("pod16")
    let program = try trainingStep()
    let fits = [0, 128, 736].map {
      Estimator(topology, ioTiles: $0).memory(of: program).sramBytesPerIPU
    }
    #expect(fits == [1472, 1344, 736].map { $0 * 624 * 1024 })
  }

  @Test("A group without a ring gathers every operand, which does not fit; with one it does")
  func gathers() throws {
    let mesh = try estimator().memory(of: trainingStep(tensorParallel: 4, dataParallel: 4))
    let shortfall = try #require(mesh.shortfalls.first { $0.phase == "head" })
    #expect(shortfall.largest.first?.name == "scratch of reduce_scatter_data")
    #expect(
      try estimator("pod64").memory(of: trainingStep(tensorParallel: 4, dataParallel: 16)).fits)
  }

  @Test("A product's scratch follows the memory proportion")
  func proportion() throws {
    let topology = try PodTopology.named("pod16")
    let program = try trainingStep()
    let peaks = [0.05, 0.1, 0.2].map {
      Estimator(topology, availableMemoryProportion: $0).memory(of: program)
        .sramPeakBytesPerIPU
    }
    #expect(peaks == peaks.sorted() && peaks[0] < peaks[2])
  }

  @Test("More operations are more code, and layers share theirs")
  func code() throws {
    var deep = gptj6B
    deep.layers = 56
    let estimator = try estimator()
    let (training, pass) = (
      estimator.memory(of: try trainingStep()), estimator.memory(of: try inferencePass())
    )
    #expect(training.alwaysLiveBytesPerIPU > 2 * pass.alwaysLiveBytesPerIPU)
    #expect(
      estimator.memory(of: try trainingStep(deep)).alwaysLiveBytesPerIPU
        == training.alwaysLiveBytesPerIPU)
    // What the largest published inference leaves, and no more than a third for any.
    #expect(Double(training.alwaysLiveBytesPerIPU) < 0.32 * Double(training.sramBytesPerIPU))
  }
}
