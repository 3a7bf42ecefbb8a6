import Glibc
import Program

/// The memory of an emulated machine: one buffer for each tensor, instance and distinct content.
///
/// Ranks that must hold equal values share one buffer, unless `sharesReplicas` is off; it then
/// lies in the area of the first of them. Tensors on the tiles are views of streaming memory then
/// where they can be, without memory of their own, and temporaries that are never alive at once lie
/// over each other. All of it is mapped once, zeroed on first touch, and lives as long as the
/// emulator; but for large tensors of streaming memory, which may be in a file.
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
  private let assignment: BufferAssignment
  /// What each content of the temporaries has for them, here or with another storage.
  private let temporaries: [AxisSet: [UnsafeMutableRawPointer]]
  /// Whose each buffer is.
  private let tensors: [TensorID]

  /// Tensors that another emulator's Program declares alike, and no smaller, take their memory from
  /// `other`, which must outlive this storage; so do the temporaries, if they fit where its are.
  init(
    _ program: Program, sharesReplicas: Bool, keepsTemporaries: Bool = false,
    sharing other: Storage? = nil, limit: Int? = nil, streamingDirectory: String? = nil,
    leastFiledBytes: Int = .max
  ) throws(EmulatorError) {
    self.program = program
    self.sharesReplicas = sharesReplicas
    views = sharesReplicas ? StreamingViews(program) : .none
    let assignment =
      sharesReplicas && !keepsTemporaries
      ? BufferAssignment(program, views: views) : BufferAssignment.none
    self.assignment = assignment
    let shared = other.map { Self.shared(program, with: $0, but: assignment) } ?? [:]
    let lent = other.flatMap { assignment.fits(in: $0.assignment) ? $0.temporaries : nil }
    let layout = StorageLayout(
      program,
      StorageLayout.Rules(
        sharesReplicas: sharesReplicas,
        elsewhere: Set(views.places.keys).union(shared.keys), assignment: assignment,
        borrows: lent != nil,
        leastFiled: streamingDirectory == nil ? .max : leastFiledBytes))
    firstBuffer = layout.firstBuffer
    let count = layout.bytes
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
    let temporaries =
      lent ?? layout.temporaries.mapValues { $0.map { mapped + $0.lowerBound } }
    self.temporaries = temporaries
    tensors = program.tensors.enumerated().flatMap { index, tensor in
      Array(
        repeating: TensorID(index: index),
        count: tensor.instanceCount * Self.contents(tensor, program.mesh, sharesReplicas))
    }
    var addresses = layout.offsets.map { mapped + $0 }
    for id in assignment.places.keys {
      for (content, start) in (temporaries[program[id].differsOver] ?? []).enumerated() {
        let buffer = layout.firstBuffer[id.index] + content
        addresses[buffer] = start + layout.offsets[buffer]
      }
    }
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

  /// Whether others may hold a tensor's bytes before and after it.
  func isTemporary(_ tensor: TensorID) -> Bool { assignment.places[tensor] != nil }

  /// Whether a tensor has memory of its own, here or in the file.
  func isKept(_ tensor: TensorID) -> Bool {
    place(of: tensor) == nil && !isTemporary(tensor)
  }

  private func contents(of tensor: Tensor) -> Int {
    Self.contents(tensor, program.mesh, sharesReplicas)
  }

  /// Which of the other's tensors each of these finds its room in.
  ///
  /// That is the one of the same name, and of the same place among those of one name, if only the
  /// shape differs and the other's is no smaller.
  private static func shared(
    _ program: Program, with other: Storage, but temporaries: BufferAssignment
  ) -> [TensorID: TensorID] {
    precondition(program.mesh == other.program.mesh, "emulators that share memory have one mesh")
    let theirs = other.program.tensorsByName
    var shared: [TensorID: TensorID] = [:]
    for (name, tensors) in program.tensorsByName {
      for (mine, found) in zip(tensors, theirs[name] ?? [])
      where other.isKept(found) && temporaries.places[mine] == nil {
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

  /// The buffer that stands for all of just the same bytes.
  func room(of buffer: Int) -> Int {
    let tensor = tensors[buffer]
    return buffer + firstBuffer[assignment.room(of: tensor).index] - firstBuffer[tensor.index]
  }

  /// The others that have some of a room's bytes.
  func overlapping(_ room: Int) -> [Int] {
    let tensor = tensors[room]
    return assignment.overlapping(tensor).map {
      room + firstBuffer[$0.index] - firstBuffer[tensor.index]
    }
  }

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

  static func contents(_ tensor: Tensor, _ mesh: Mesh, _ sharesReplicas: Bool) -> Int {
    contentClass(tensor, mesh, sharesReplicas, rank: mesh.ranks - 1) + 1
  }
}

extension Program {
  fileprivate var tensorsByName: [String: [TensorID]] {
    Dictionary(grouping: tensors.indices.map(TensorID.init(index:)), by: { self[$0].name })
  }
}
