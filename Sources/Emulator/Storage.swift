import Glibc
import Program

/// The memory of an emulated machine: one buffer for each tensor, instance and distinct content.
///
/// Ranks that must hold equal values share one buffer, unless `sharesReplicas` is off; it then
/// lies in the area of the first of them. Tensors on the tiles are views of streaming memory then
/// where they can be, without memory of their own. All of it is mapped once, zeroed on first touch,
/// and lives as long as the emulator; but for large tensors of streaming memory, which may be in a
/// file.
final class Storage {
  let program: Program
  let sharesReplicas: Bool
  /// First buffer number of each tensor; its buffers follow by instance, then by content.
  private let firstBuffer: [Int]
  private let addresses: [UnsafeMutableRawPointer]
  private let views: StreamingViews
  /// What each rank owns, contiguous, so that it can be bound to the node of the rank's worker.
  let areas: [UnsafeMutableRawBufferPointer]
  private let mapping: UnsafeMutableRawBufferPointer
  /// Where some buffers are instead; nil where all are in memory for good.
  let streaming: StreamingMemory?
  private let schedule: Int

  /// Buffers start on their own cache line, areas on their own page.
  private static let cacheLine = 64
  private static let page = 4096

  /// Tensors that another emulator's Program declares alike, and no smaller, take their memory from
  /// `other`, which must outlive this storage.
  init(
    _ program: Program, sharesReplicas: Bool, sharing other: Storage? = nil,
    limit: Int? = nil, streamingDirectory: String? = nil, leastFiledBytes: Int = .max
  ) throws(EmulatorError) {
    self.program = program
    self.sharesReplicas = sharesReplicas
    views = sharesReplicas ? StreamingViews(program) : .none
    let shared = other.map { Self.shared(program, with: $0) } ?? [:]
    let elsewhere = Set(views.places.keys).union(shared.keys)
    let layout = Layout(
      program, sharesReplicas: sharesReplicas, elsewhere: elsewhere,
      leastFiled: streamingDirectory == nil ? .max : leastFiledBytes)
    firstBuffer = layout.firstBuffer
    let count = max(layout.areas.last?.upperBound ?? 0, Self.page)
    let available = limit ?? HostMemory.bytes
    let schedule = Self.scheduleBytes(program)
    self.schedule = schedule
    guard count + schedule <= available else {
      throw .outOfMemory(bytes: count + schedule, available: available)
    }
    let mapped = mmap(
      nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapped, mapped != MAP_FAILED else {
      throw .outOfMemory(bytes: count, available: available)
    }
    madvise(mapped, count, MADV_HUGEPAGE)
    mapping = UnsafeMutableRawBufferPointer(start: mapped, count: count)
    streaming = try streamingDirectory.map { directory throws(EmulatorError) in
      try StreamingMemory(
        places: layout.filed, directory: directory,
        budget: available - count - schedule - Self.reserve)
    }
    var addresses = layout.offsets.map { mapped + $0 }
    for (buffer, place) in layout.filed.enumerated() where place != nil {
      if let address = streaming?.address(buffer) { addresses[buffer] = address }
    }
    if let other {
      for (tensor, theirs) in shared {
        let count = program[tensor].instanceCount * other.contents(of: program[tensor])
        let source = other.firstBuffer[theirs.index]
        addresses.replaceSubrange(
          firstBuffer[tensor.index]..<firstBuffer[tensor.index] + count,
          with: other.addresses[source..<source + count])
      }
    }
    self.addresses = addresses
    areas = layout.areas.map {
      UnsafeMutableRawBufferPointer(start: mapped + $0.lowerBound, count: $0.count)
    }
  }

  deinit { munmap(mapping.baseAddress, mapping.count) }

  /// Bytes of the whole machine's memory as it is kept here, the file not counted.
  var bytes: Int { mapping.count }

  /// What a process needs beside its buffers and the schedule: code, libraries, data to train on.
  private static let reserve = 512 << 20

  /// Lets the file serve a run that takes these turns.
  func start(_ turns: [StreamingTurn]) throws(EmulatorError) {
    try streaming?.start(turns, besides: bytes + schedule + Self.reserve)
  }

  /// The place in streaming memory that a tensor stands for instead of having its own memory.
  func place(of tensor: TensorID) -> TensorReference? { views.places[tensor] }

  /// Whether an operation is a load or store between a view and what it stands for.
  func movesNothing(in operation: Operation) -> Bool { views.movesNothing(in: operation) }

  private func contents(of tensor: Tensor) -> Int {
    Self.contents(tensor, program.mesh, sharesReplicas)
  }

  /// Which of the other's tensors each of these finds its room in.
  ///
  /// That is the one of the same name, and of the same place among those of one name, if only the
  /// shape differs and the other's is no smaller.
  private static func shared(_ program: Program, with other: Storage) -> [TensorID: TensorID] {
    precondition(program.mesh == other.program.mesh, "emulators that share memory have one mesh")
    let theirs = other.program.tensorsByName
    var shared: [TensorID: TensorID] = [:]
    for (name, tensors) in program.tensorsByName {
      for (mine, found) in zip(tensors, theirs[name] ?? []) where other.place(of: found) == nil {
        let (one, whole) = (program[mine], other.program[found])
        let isAlike =
          one.space == whole.space && one.elementType == whole.elementType
          && one.differsOver == whole.differsOver && one.instances == whole.instances
        if isAlike, one.bytes <= whole.bytes { shared[mine] = found }
      }
    }
    return shared
  }

  /// About what the unrolled instructions take: one for each operation, turn and lane.
  private static func scheduleBytes(_ program: Program) -> Int {
    var operations = 0
    program.forEachOperation { _, _, repetitions in operations += repetitions }
    return operations * LaneSet(program.mesh).count * MemoryLayout<Instruction>.stride
  }

  /// The number of a buffer, unique over all tensors, instances and contents.
  func buffer(_ tensor: TensorID, instance: Int, rank: Int) -> Int {
    let declared = program[tensor]
    let contents = Self.contents(declared, program.mesh, sharesReplicas)
    return firstBuffer[tensor.index] + instance * contents + contentClass(declared, rank: rank)
  }

  func address(_ buffer: Int) -> UnsafeMutableRawPointer { addresses[buffer] }

  /// Which of a tensor's distinct contents a rank holds.
  func contentClass(_ tensor: Tensor, rank: Int) -> Int {
    Self.contentClass(tensor, program.mesh, sharesReplicas, rank: rank)
  }

  /// The same where replicas share what they have in common, or else each has its own.
  static func contentClass(
    _ tensor: Tensor, _ mesh: Mesh, _ sharesReplicas: Bool, rank: Int
  ) -> Int {
    guard sharesReplicas else { return rank }
    let column = tensor.differsOver.contains(.tensor) ? mesh.tensorIndex(of: rank) : 0
    let columns = tensor.differsOver.contains(.tensor) ? mesh.tensorParallel : 1
    let row = tensor.differsOver.contains(.data) ? mesh.dataIndex(of: rank) : 0
    let isOfStage = tensor.differsOver.contains(.pipeline)
    let (stage, stages) = isOfStage ? (mesh.stage(of: rank), mesh.pipelineParallel) : (0, 1)
    return (row * stages + stage) * columns + column
  }

  private static func contents(_ tensor: Tensor, _ mesh: Mesh, _ sharesReplicas: Bool) -> Int {
    contentClass(tensor, mesh, sharesReplicas, rank: mesh.ranks - 1) + 1
  }

  /// Offsets of all buffers, rank by rank of their owners.
  private struct Layout {
    var firstBuffer: [Int] = []
    var offsets: [Int] = []
    var areas: [Range<Int>] = []
    /// Where a buffer is in the file, if it is there.
    var filed: [Range<Int>?] = []
    private var fileEnd = 0

    /// Tensors that are `elsewhere` take no room, those of streaming memory from `leastFiled` bytes on
    /// take it in the file.
    init(
      _ program: Program, sharesReplicas: Bool, elsewhere: Set<TensorID>, leastFiled: Int
    ) {
      let mesh = program.mesh
      var count = 0
      for tensor in program.tensors {
        firstBuffer.append(count)
        count += tensor.instanceCount * contents(tensor, mesh, sharesReplicas)
      }
      offsets = [Int](repeating: 0, count: count)
      filed = Array(repeating: nil, count: count)
      var end = 0
      var placed = program.tensors.map { _ in Set<Int>() }
      for rank in 0..<mesh.ranks {
        let start = end
        for (index, tensor) in program.tensors.enumerated() {
          let content = contentClass(tensor, mesh, sharesReplicas, rank: rank)
          guard placed[index].insert(content).inserted else { continue }
          let each = contents(tensor, mesh, sharesReplicas)
          for instance in 0..<tensor.instanceCount {
            let buffer = firstBuffer[index] + instance * each + content
            offsets[buffer] = end
            if elsewhere.contains(TensorID(index: index)) { continue }
            if tensor.space == .streaming, tensor.bytes >= leastFiled {
              file(buffer, bytes: tensor.bytes)
              continue
            }
            end += (tensor.bytes + cacheLine - 1) / cacheLine * cacheLine
          }
        }
        end = (end + page - 1) / page * page
        areas.append(start..<end)
      }
    }

    /// Whole huge pages where a buffer is made of them.
    private mutating func file(_ buffer: Int, bytes: Int) {
      let hugePage = 2 << 20
      let unit = bytes % hugePage == 0 ? hugePage : StreamingFile.alignment
      let start = (fileEnd + unit - 1) / unit * unit
      fileEnd = start + (bytes + unit - 1) / unit * unit
      filed[buffer] = start..<fileEnd
    }
  }
}

extension Program {
  fileprivate var tensorsByName: [String: [TensorID]] {
    Dictionary(grouping: tensors.indices.map(TensorID.init(index:)), by: { self[$0].name })
  }
}
