import Emulator
import Program
import Topology

/// A Program of one operation again and again, over as many operands as a working set has room for.
///
/// It is run by the Emulator, so that what is measured is what a step's instructions do.
struct KernelProgram {
  let program: Program
  /// Instructions of one run, and the elements of each.
  let instructions: Int
  let elements: Int
  /// Bytes of all operands together.
  let workingSetBytes: Int

  /// One operand: its shape, and which one it is; nil for a host's or a small one.
  struct Operand {
    var shape: [Int]
    var elementType = ElementType.float32
    var axes: AxisSet = []
    /// Whether all turns use the same one.
    var isFixed = false
  }

  /// Repeats `kind` over enough operands to fill `workingSet`, at least `leastTurns` times.
  init(
    _ kind: Operation.Kind, _ inputs: [Operand], _ outputs: [Operand], inPlace: [Int: Int] = [:],
    mesh: Mesh = Mesh(tensorParallel: 1, dataParallel: 1), elements: Int, instructions: Int,
    workingSet: Int, leastElements: Int
  ) {
    let builder = ProgramBuilder(name: "kernel", mesh: mesh)
    func bytes(_ operand: Operand) -> Int {
      let copies = operand.axes.contains(.tensor) ? mesh.tensorParallel : 1
      return operand.shape.reduce(1, *) * operand.elementType.bytes * copies
    }
    let fresh = outputs.enumerated().filter { inPlace[$0.offset] == nil }.map(\.element)
    let moving = (inputs + fresh).filter { !$0.isFixed }.reduce(0) { $0 + bytes($1) }
    let sets = max(1, workingSet / max(1, moving))
    let rounds = max(1, leastElements / (elements * instructions * sets))
    func declare(_ operand: Operand) -> TensorID {
      builder.declare(
        "x", operand.shape, operand.elementType, differsOver: operand.axes,
        instances: operand.isFixed ? [] : [sets])
    }
    let ins = inputs.map(declare)
    let outs = outputs.enumerated().map { index, operand in
      inPlace[index].map { ins[$0] } ?? declare(operand)
    }
    func reference(_ id: TensorID, _ operand: Operand, _ set: Affine) -> TensorReference {
      TensorReference(id, operand.isFixed ? [] : [set])
    }
    builder.phase("kernel") {
      builder.loop("round", count: rounds) { _ in
        builder.loop("set", count: sets) { set in
          builder.emit(
            kind, zip(ins, inputs).map { reference($0, $1, set) },
            into: outputs.enumerated().map { index, operand in
              reference(outs[index], inPlace[index].map { inputs[$0] } ?? operand, set)
            })
        }
      }
    }
    program = builder.build()
    self.instructions = rounds * sets * instructions
    self.elements = elements
    workingSetBytes = moving * sets
  }

  /// Elements a second of one thread: the median of some runs after one that touches all memory.
  func rate(runs: Int = 3) throws -> Double {
    let emulator = try emulator()
    let times = (0..<runs).map { _ in emulator.run().criticalCPUSeconds }.sorted()
    return Double(instructions * elements) / max(times[runs / 2], 1e-9)
  }

  /// Filled, and run once.
  func emulator(workers: Int = 1) throws -> Emulator {
    let emulator = try Emulator(program, Emulator.Options(workers: workers))
    fill(emulator)
    emulator.execute()
    return emulator
  }

  /// Memory that nobody wrote is one page for all of it, and read from the cache.
  private func fill(_ emulator: Emulator) {
    for (index, tensor) in program.tensors.enumerated() {
      let ranks = tensor.differsOver.isEmpty ? 1 : program.mesh.ranks
      for instance in 0..<tensor.instanceCount {
        for rank in 0..<ranks {
          let memory = emulator.memory(
            of: TensorID(index: index), instance: instance, rank: rank)
          fill(memory, tensor.elementType)
        }
      }
    }
  }

  /// Ones, for a schedule's step counts from 1; tokens of the vocabulary.
  private func fill(_ memory: UnsafeMutableRawBufferPointer, _ type: ElementType) {
    switch type {
    case .float32: memory.bindMemory(to: Float.self).update(repeating: 1)
    case .bfloat16: memory.bindMemory(to: UInt16.self).update(repeating: 0x3F80)
    case .float16: memory.bindMemory(to: UInt16.self).update(repeating: 0x3C00)
    case .int16: memory.bindMemory(to: Int16.self).update(repeating: 1)
    case .int32:
      let tokens = memory.bindMemory(to: Int32.self)
      for place in tokens.indices { tokens[place] = Int32(place * 31 % KernelTables.vocabulary) }
    }
  }
}
