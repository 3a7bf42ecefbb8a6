import Glibc
import Program

/// The memory of an emulated machine: one buffer for each tensor, instance and distinct content.
///
/// Ranks that must hold equal values share one buffer, unless `sharesReplicas` is off. Everything
/// is allocated once, zeroed, and lives as long as the emulator.
final class Storage {
  let program: Program
  let sharesReplicas: Bool
  /// First buffer number of each tensor; its buffers follow by instance, then by content.
  private let firstBuffer: [Int]
  private let addresses: [UnsafeMutableRawPointer]
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Buffers start on their own cache line.
  private static let alignment = 64

  init(_ program: Program, sharesReplicas: Bool) throws(EmulatorError) {
    self.program = program
    self.sharesReplicas = sharesReplicas
    var firstBuffer: [Int] = []
    var offsets: [Int] = []
    var end = 0
    for tensor in program.tensors {
      firstBuffer.append(offsets.count)
      let classes = Self.classCount(tensor, program.mesh, sharesReplicas)
      for _ in 0..<tensor.instanceCount * classes {
        offsets.append(end)
        end += (tensor.bytes + Self.alignment - 1) / Self.alignment * Self.alignment
      }
    }
    byteCount = max(end, 1)
    let mapped = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { throw .outOfMemory(bytes: byteCount) }
    madvise(mapped, byteCount, MADV_HUGEPAGE)
    base = mapped
    self.firstBuffer = firstBuffer
    addresses = offsets.map { mapped + $0 }
  }

  deinit { munmap(base, byteCount) }

  /// Bytes of the whole machine's memory as it is kept here.
  var bytes: Int { byteCount }

  /// All of it, for binding to a NUMA node.
  var area: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: byteCount) }

  /// The number of a buffer, unique over all tensors, instances and contents.
  func buffer(_ tensor: TensorID, instance: Int, rank: Int) -> Int {
    let declared = program[tensor]
    let classes = Self.classCount(declared, program.mesh, sharesReplicas)
    return firstBuffer[tensor.index] + instance * classes + contentClass(declared, rank: rank)
  }

  func address(_ buffer: Int) -> UnsafeMutableRawPointer { addresses[buffer] }

  /// Which of a tensor's distinct contents a rank holds.
  func contentClass(_ tensor: Tensor, rank: Int) -> Int {
    guard sharesReplicas else { return rank }
    let mesh = program.mesh
    let column = tensor.differsOver.contains(.tensor) ? mesh.tensorIndex(of: rank) : 0
    let columns = tensor.differsOver.contains(.tensor) ? mesh.tensorParallel : 1
    let row = tensor.differsOver.contains(.data) ? mesh.dataIndex(of: rank) : 0
    return row * columns + column
  }

  private static func classCount(_ tensor: Tensor, _ mesh: Mesh, _ sharesReplicas: Bool) -> Int {
    guard sharesReplicas else { return mesh.ranks }
    return (tensor.differsOver.contains(.tensor) ? mesh.tensorParallel : 1)
      * (tensor.differsOver.contains(.data) ? mesh.dataParallel : 1)
  }
}
