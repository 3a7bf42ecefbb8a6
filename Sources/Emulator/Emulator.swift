import Glibc
package import Kernels
package import Program

/// Runs a Program for real, in its own types, on virtual ranks over this host's threads.
///
/// An emulated IPU is a list of instructions and its buffers, not a thread: each worker runs the
/// lanes of its ranks in fixed order up to the next point where ranks must wait for each other.
/// For one plan the bits do not depend on the number of workers nor on where they run.
package final class Emulator {
  package let program: Program
  private let storage: Storage
  private let schedule: Schedule
  private let pool: WorkerPool
  private let workers: [Worker]
  private let lanes: LaneSet
  private let streamingDirectory: String
  /// Whose memory and threads these are as well.
  private let other: Emulator?
  /// What the Program's loss scale is multiplied by from the next run on, a power of 2.
  package var lossScaleFactor = 1.0 {
    didSet { for worker in workers { worker.lossScaleFactor = lossScaleFactor } }
  }

  /// How to run; but for `gemm`, nothing here changes a bit of the result.
  package struct Options: Sendable {
    package var workers: Int
    /// Whether what ranks hold in common is computed and kept once, rather than by each of them, what
    /// is loaded and never changed is read where it is, and temporaries that are never alive at once
    /// lie over each other.
    package var sharesReplicas: Bool
    /// Whether every temporary has memory of its own all the same, to be read after a run.
    package var keepsTemporaries = false
    /// Whose float32 products; their order of summation is its own.
    package var gemm: GEMMBackend
    /// Bytes of memory that the whole process may take; nil for what the machine has.
    package var hostMemory: Int?
    /// Where streaming memory's large tensors are in a file, no more of them in memory at a time than
    /// `hostMemory` leaves; nil for all in memory.
    package var streamingDirectory: String?
    /// Smaller tensors stay in memory: together they are little, and a disk is slow with them.
    package var leastFiledBytes = 1 << 16
    /// Whether to time every kind of operation, which costs two looks at the clock for each.
    package var timesKinds = false
    /// Called once on each worker's own thread before it does anything: pins it.
    package var prepareWorker: @Sendable (_ worker: Int) -> Void
    /// Called once for each rank's memory before its first touch: binds it to a NUMA node.
    package var prepareMemory: @Sendable (_ rank: Int, _ area: UnsafeRawBufferPointer) -> Void

    package init(
      workers: Int, sharesReplicas: Bool = true, gemm: GEMMBackend = .oneDNN,
      prepareWorker: @escaping @Sendable (_ worker: Int) -> Void = { _ in },
      prepareMemory: @escaping @Sendable (_ rank: Int, _ area: UnsafeRawBufferPointer) -> Void = {
        _, _ in
      }
    ) {
      self.workers = workers
      self.sharesReplicas = sharesReplicas
      self.gemm = gemm
      self.prepareWorker = prepareWorker
      self.prepareMemory = prepareMemory
    }
  }

  /// Allocates every buffer, lowers the Program and starts the workers.
  ///
  /// With `other`, an emulator of another Program on the same mesh with the same options, tensors
  /// that both Programs declare alike are one (the other's may be larger: then they start alike), and
  /// so are the workers. Whoever runs may use the other's temporaries: never run both at once.
  ///
  /// - Throws: `EmulatorError` when the Program is not for this emulator, or the host refuses.
  package init(
    _ program: Program, _ options: Options, sharing other: Emulator? = nil
  ) throws(EmulatorError) {
    precondition(options.workers > 0, "an emulator needs a worker")
    guard program.mesh.ranks <= EmulatorError.mostRanks else {
      throw .tooManyRanks(program.mesh.ranks)
    }
    if let mistake = program.unsupported { throw mistake }
    self.program = program
    self.other = other
    storage = try Storage(
      program, sharesReplicas: options.sharesReplicas,
      keepsTemporaries: options.keepsTemporaries, sharing: other?.storage,
      limit: options.hostMemory.map { min($0, HostMemory.bytes) },
      streamingDirectory: other == nil ? options.streamingDirectory : nil,
      leastFiledBytes: options.leastFiledBytes)
    streamingDirectory = options.streamingDirectory ?? ""
    for (rank, area) in storage.areas.enumerated() {
      options.prepareMemory(rank, UnsafeRawBufferPointer(area))
    }
    schedule = Lowering(program, storage, options.gemm).schedule()
    try storage.start(schedule.turns)
    lanes = LaneSet(program.mesh)
    let count = min(options.workers, lanes.count)
    let prepare = options.prepareWorker
    if let other {
      precondition(other.pool.count == count, "emulators that share workers have as many")
      pool = other.pool
    } else {
      pool = try WorkerPool(count: count) { worker in
        prepare(worker)
        GEMM.prepareThread()
      }
    }
    let (schedule, lanes, barrier) = (schedule, lanes, pool.barrier)
    let streaming = storage.streaming
    workers = (0..<count).map { worker in
      let first = worker * lanes.count / count
      return Worker(
        lanes: first..<(worker + 1) * lanes.count / count, schedule: schedule, barrier: barrier,
        streaming: streaming, timesKinds: options.timesKinds)
    }
  }

  deinit {
    if other == nil { pool.stop() }
    storage.streaming?.stop()
  }

  package var workerCount: Int { workers.count }
  /// Instructions that a run executes, over all lanes.
  package var instructionCount: Int { schedule.lanes.reduce(0) { $0 + $1.count } }
  /// Bytes of all emulated memory as kept in this host's memory for good.
  package var bytes: Int { storage.bytes }
  /// Bytes of the file that holds the rest.
  package var fileBytes: Int { storage.streaming?.bytes ?? 0 }

  /// One instance of a tensor as one rank holds it, raw; writing a shared one writes it for all.
  ///
  /// No temporary, unless they are kept: others hold the same bytes before and after it.
  /// Where streaming memory is in a file, only until the next tensor is asked for, or the Program
  /// runs.
  package func memory(
    of tensor: TensorID, instance: Int = 0, rank: Int
  ) -> UnsafeMutableRawBufferPointer {
    precondition(
      (0..<program[tensor].instanceCount).contains(instance),
      "\(program[tensor].name) has \(program[tensor].instanceCount) instances, not \(instance)")
    precondition(
      !storage.isTemporary(tensor), "\(program[tensor].name) is a temporary, gone when a run ends")
    let buffer = storage.buffer(tensor, instance: instance, rank: rank)
    storage.streaming?.fetch(buffer)
    return UnsafeMutableRawBufferPointer(
      start: storage.address(buffer), count: program[tensor].bytes)
  }

  /// What all workers together compute at most: multiply-adds in registers, all at once, in FLOP/s,
  /// of the type that the Program's products have, or that they are the faster in.
  ///
  /// Takes about `seconds`.
  package func measurePeak(seconds: Double) -> Double {
    let rates = UnsafeMutablePointer<Double>.allocate(capacity: workerCount)
    defer { rates.deallocate() }
    nonisolated(unsafe) let shared = rates
    let format: ElementFormat = program.multipliesBFloat16 ? .bfloat16 : .float32
    pool.run { shared[$0] = HostPeak.flopsPerSecond(format, seconds: seconds) }
    return (0..<workerCount).reduce(0) { $0 + rates[$1] }
  }

  /// Runs the Program once and measures it.
  package func run() -> StepMeasurement {
    let cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)
    let start = seconds()
    execute()
    return measurement(
      seconds: seconds() - start, cpuSeconds: seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
  }

  /// Runs the Program once; allocates nothing, but for what the matrix library does.
  package func execute() {
    let workers = workers
    storage.streaming?.begin()
    pool.run { workers[$0].run() }
    storage.streaming?.end()
  }

  /// What went wrong with the file of streaming memory, if anything: all that was computed since is
  /// worth nothing.
  package var failure: EmulatorError? {
    storage.streaming?.errno.map { .streamingDisk(directory: streamingDirectory, errno: $0) }
  }

  private func measurement(seconds: Double, cpuSeconds: Double) -> StepMeasurement {
    let phases = schedule.phaseNames.indices.map { index in
      let times = workers.map { $0.phaseTimes(index) }
      return StepMeasurement.Phase(
        name: schedule.phaseNames[index],
        computeSeconds: times.reduce(0) { $0 + $1.compute },
        collectiveSeconds: times.reduce(0) { $0 + $1.collective },
        waitSeconds: times.reduce(0) { $0 + $1.wait },
        diskSeconds: times.reduce(0) { $0 + $1.disk },
        executed: workers.reduce(Work()) { $0 + $1.executed(index) },
        skipped: workers.reduce(schedule.skipped[index]) { $0 + $1.unneeded(index) })
    }
    return StepMeasurement(
      seconds: seconds, cpuSeconds: cpuSeconds,
      operationCPUSeconds: workers.reduce(0) { $0 + $1.cpuSeconds - $1.waitCPUSeconds },
      criticalCPUSeconds: criticalCPUSeconds(),
      waits: workers.count > 1 ? workers[0].stretchSeconds.count : 0,
      secondsByKind: secondsByKind(), workers: workers.count, phases: phases, ranks: rankTimes(),
      disk: storage.streaming.map {
        let moved = $0.moved
        return StepMeasurement.Disk(
          readBytes: moved.readBytes, writtenBytes: moved.writtenBytes,
          mostResidentBytes: moved.mostResidentBytes)
      })
  }

  private func criticalCPUSeconds() -> Double {
    workers[0].stretchSeconds.indices.reduce(0) { sum, stretch in
      sum + workers.reduce(0) { max($0, $1.stretchSeconds[stretch]) }
    }
  }

  private func secondsByKind() -> [String: Double] {
    var seconds: [String: Double] = [:]
    for (index, name) in Instruction.kindNames.enumerated() {
      let sum = workers.reduce(0) { $0 + $1.kindSeconds(index) }
      if sum > 0 { seconds[name] = sum }
    }
    return seconds
  }

  private func rankTimes() -> [StepMeasurement.Rank] {
    var compute = [Double](repeating: 0, count: program.mesh.ranks)
    var collective = compute
    var wait = compute
    for worker in workers {
      for lane in worker.lanes {
        let busy = worker.busySeconds(of: lane)
        compute[lanes.rank(of: lane)] += busy.compute
        collective[lanes.rank(of: lane)] += busy.collective
        let waited = worker.waitSeconds + worker.diskSeconds
        wait[lanes.rank(of: lane)] += waited / Double(worker.lanes.count)
      }
    }
    return compute.indices.map {
      StepMeasurement.Rank(
        computeSeconds: compute[$0], collectiveSeconds: collective[$0], waitSeconds: wait[$0])
    }
  }
}

extension Program {
  fileprivate var multipliesBFloat16: Bool {
    var found = false
    forEachOperation { operation, _, _ in
      guard case .matmul = operation.kind else { return }
      found = found || self[operation.inputs[0]].elementType == .bfloat16
    }
    return found
  }

  /// The first tensor of a type that a kernel does not take.
  fileprivate var unsupported: EmulatorError? {
    var found: EmulatorError?
    forEachOperation { operation, _, _ in
      guard found == nil else { return }
      switch operation.kind {
      case .cacheAppend, .cachedAttention:
        for reference in operation.inputs where self[reference].elementType.isHalf {
          found = .unsupportedElementType(
            tensor: self[reference].name, type: self[reference].elementType.rawValue)
        }
      default: break
      }
    }
    return found
  }
}
