import Emulator
import FoundationEssentials
import GPTJ
import Program
import Testing

@Suite("Streaming memory in a file")
struct StreamingFileTests {
  private static let directory = FileManager.default.temporaryDirectory.path

  private static func step(
    _ tensor: Int, _ data: Int, stages: Int = 1, _ type: ElementType = .float32,
    state: Bool = false, recompute: ParallelPlan.Recompute = .full,
    options change: (inout Emulator.Options) -> Void = { _ in }
  ) throws -> TinyStep {
    var options = Emulator.Options(workers: 2)
    change(&options)
    return try TinyStep(
      tensorParallel: tensor, dataParallel: data, recompute: recompute, elementType: type,
      options: options
    ) {
      $0.pipelineParallel = stages
      $0.rewrites.storesStateAsBFloat16 = state
    }
  }

  /// As little memory as the step can do with: what its refusal of less asks for.
  private static func least(
    _ attempt: (_ options: (inout Emulator.Options) -> Void) throws -> TinyStep
  ) throws -> (step: TinyStep, bytes: Int) {
    var bytes = 1 << 29
    while true {
      do {
        let step = try attempt {
          $0.streamingDirectory = directory
          $0.hostMemory = bytes
          $0.leastFiledBytes = 1
        }
        return (step, bytes)
      } catch EmulatorError.hostMemoryTooSmall(let needed, let given) {
        try #require(needed > given)
        bytes = needed
      } catch EmulatorError.outOfMemory(let needed, let given) {
        try #require(needed > given)
        bytes = needed
      }
    }
  }

  @Test(
    "changes no bit, however little of it is in memory",
    arguments: [
      ((1, 1, 1), ElementType.float32, false), ((4, 2, 1), .bfloat16, true),
      ((8, 1, 1), .bfloat16, false), ((2, 2, 2), .float32, true), ((2, 2, 2), .bfloat16, false),
    ])
  func sameBits(
    plan: (Int, Int, Int), type: ElementType, state: Bool
  ) throws {
    let (tensor, data, stages) = plan
    let inMemory = try Self.step(
      tensor, data, stages: stages, type, state: state
    ).train(steps: 3)
    let (filed, _) = try Self.least {
      try Self.step(
        tensor, data, stages: stages, type, state: state, options: $0)
    }
    #expect((filed.train(steps: 3) == inMemory) == true)
    let disk = try #require(filed.run(step: 4).disk)
    #expect(disk.readBytes > 0 && disk.writtenBytes > 0)
    #expect(disk.mostResidentBytes < filed.emulator.fileBytes)
  }

  @Test("keeps saved activations there, too", arguments: [ParallelPlan.Recompute.none, .selective])
  func savedActivations(recompute: ParallelPlan.Recompute) throws {
    let inMemory = try Self.step(4, 2, recompute: recompute).train(steps: 3)
    let (filed, _) = try Self.least { try Self.step(4, 2, recompute: recompute, options: $0) }
    #expect((filed.train(steps: 3) == inMemory) == true)
  }

  @Test("moves nothing where everything fits")
  func fits() throws {
    let (least, bytes) = try Self.least { try Self.step(2, 1, options: $0) }
    let step = try Self.step(
      2, 1,
      options: {
        $0.streamingDirectory = Self.directory
        $0.hostMemory = bytes + least.emulator.fileBytes
        $0.leastFiledBytes = 1
      })
    for number in 1...3 {
      let disk = try #require(step.run(step: number).disk)
      #expect(disk.readBytes == 0 && disk.writtenBytes == 0)
    }
    #expect(least.emulator.bytes + least.emulator.fileBytes > 0)
  }

  @Test("gives every tensor back as it was written, in any order")
  func outside() throws {
    let (step, _) = try Self.least { try Self.step(4, 1, options: $0) }
    let tensors = step.program.tensors.indices.map(TensorID.init(index:)).filter {
      step.program[$0].space == .streaming
    }
    for (number, tensor) in tensors.enumerated() {
      for rank in 0..<4 {
        step.emulator.memory(of: tensor, rank: rank)[0] = UInt8(truncatingIfNeeded: number * 7)
      }
    }
    for (number, tensor) in tensors.enumerated().reversed() {
      let found = (0..<4).map { step.emulator.memory(of: tensor, rank: $0)[0] }
      #expect(found == Array(repeating: UInt8(truncatingIfNeeded: number * 7), count: 4))
    }
  }

  @Test("needs a folder that holds it, and says so")
  func noFolder() {
    let error = #expect(throws: EmulatorError.self) {
      try Self.step(
        1, 1,
        options: {
          $0.streamingDirectory = "/nowhere"
          $0.leastFiledBytes = 1
        })
    }
    #expect(
      error.map { "\($0)" }?.hasPrefix("/nowhere: cannot make a file of ") == true,
      "\(error as Any)")
  }

  @Test("leaves no file behind")
  func noName() throws {
    let folder = Self.directory + "/gptj-bench-streaming-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let step = try Self.step(
      1, 1,
      options: {
        $0.streamingDirectory = folder
        $0.leastFiledBytes = 1
      })
    #expect(step.emulator.fileBytes > 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
