import Collectives
import Glibc
import Kernels
import Program

/// One worker's share of a schedule: its lanes, its counters, and its clock.
final class Worker: @unchecked Sendable {
  let lanes: Range<Int>
  private let schedule: Schedule
  private let barrier: Barrier
  private let streaming: StreamingMemory?
  private let scratch: UnsafeMutableRawPointer
  /// What the Program's loss scale is multiplied by.
  var lossScaleFactor = 1.0
  /// One for each phase.
  private let contexts: UnsafeMutableBufferPointer<WorkerContext>
  private let times: UnsafeMutableBufferPointer<PhaseTimes>
  /// CPU time of this thread in the last run, and the part of it at barriers.
  private(set) var cpuSeconds = 0.0
  private(set) var waitCPUSeconds = 0.0
  /// CPU time of this thread between each two points where all wait.
  private let stretches: UnsafeMutableBufferPointer<Double>
  private var stretch = 0
  private var stretchStart = 0.0
  /// CPU time of each kind of instruction; empty unless asked for.
  private let kinds: UnsafeMutableBufferPointer<Double>
  /// What two looks at the clock with nothing between them are apart.
  private let lookSeconds: Double
  /// Busy seconds of each lane of this worker.
  private let computeSeconds: UnsafeMutableBufferPointer<Double>
  private let collectiveSeconds: UnsafeMutableBufferPointer<Double>

  struct PhaseTimes {
    var compute = 0.0
    var collective = 0.0
    var wait = 0.0
    var disk = 0.0
  }

  init(
    lanes: Range<Int>, schedule: Schedule, barrier: Barrier, streaming: StreamingMemory?,
    timesKinds: Bool
  ) {
    self.lanes = lanes
    self.schedule = schedule
    self.barrier = barrier
    self.streaming = streaming
    scratch = .allocate(byteCount: schedule.scratchBytes, alignment: 64)
    let phases = schedule.phaseNames.count
    contexts = .allocate(capacity: phases)
    contexts.initialize(repeating: WorkerContext(scratch: scratch))
    times = .allocate(capacity: phases)
    times.initialize(repeating: PhaseTimes())
    stretches = .allocate(capacity: schedule.segments.count { $0.waitsBefore } + 1)
    stretches.initialize(repeating: 0)
    kinds = .allocate(capacity: timesKinds ? Instruction.kindNames.count : 0)
    kinds.initialize(repeating: 0)
    lookSeconds =
      (0..<(timesKinds ? 1000 : 1)).map { _ in
        -seconds(CLOCK_THREAD_CPUTIME_ID) + seconds(CLOCK_THREAD_CPUTIME_ID)
      }.sorted()[timesKinds ? 500 : 0]
    computeSeconds = .allocate(capacity: lanes.count)
    computeSeconds.initialize(repeating: 0)
    collectiveSeconds = .allocate(capacity: lanes.count)
    collectiveSeconds.initialize(repeating: 0)
  }

  deinit {
    scratch.deallocate()
    contexts.deallocate()
    times.deallocate()
    stretches.deallocate()
    kinds.deallocate()
    computeSeconds.deallocate()
    collectiveSeconds.deallocate()
  }

  /// Runs this worker's lanes from the first segment to the last, in step with the others.
  func run() {
    reset()
    let cpuStart = seconds(CLOCK_THREAD_CPUTIME_ID)
    stretchStart = cpuStart
    var now = seconds()
    for (index, segment) in schedule.segments.enumerated() {
      if segment.waitsBefore { now = wait(in: segment.phase, from: now) }
      if let turn = segment.enters { now = enter(turn, in: segment.phase, from: now) }
      for lane in lanes {
        let start = index == 0 ? 0 : schedule.segments[index - 1].ends[lane]
        guard start < segment.ends[lane] else { continue }
        now = run(lane, start..<segment.ends[lane], phase: segment.phase, from: now)
      }
    }
    if let last = schedule.segments.last { _ = wait(in: last.phase, from: now) }
    let cpuEnd = seconds(CLOCK_THREAD_CPUTIME_ID)
    if barrier.parties == 1 { stretches[0] = cpuEnd - stretchStart }
    cpuSeconds = cpuEnd - cpuStart
  }

  /// Waits for the other workers and books the time from `start` on.
  private func wait(in phase: Int, from start: Double) -> Double {
    guard barrier.parties > 1 else { return start }
    let cpu = seconds(CLOCK_THREAD_CPUTIME_ID)
    stretches[stretch] = cpu - stretchStart
    stretch += 1
    barrier.wait()
    stretchStart = seconds(CLOCK_THREAD_CPUTIME_ID)
    waitCPUSeconds += stretchStart - cpu
    let now = seconds()
    times[phase].wait += now - start
    return now
  }

  /// Waits for the disk.
  private func enter(_ turn: Int, in phase: Int, from start: Double) -> Double {
    streaming?.enter(turn)
    let now = seconds()
    times[phase].disk += now - start
    return now
  }

  /// Runs some of a lane's instructions; looks at the clock only where their kind changes.
  private func run(_ lane: Int, _ range: Range<Int>, phase: Int, from start: Double) -> Double {
    var mark = start
    schedule.lanes[lane].withUnsafeBufferPointer { instructions in
      var wasCollective = instructions[range.lowerBound].isCollective
      for index in range {
        let isCollective = instructions[index].isCollective
        if isCollective != wasCollective {
          mark = book(lane, phase, isCollective: wasCollective, from: mark)
          wasCollective = isCollective
        }
        if kinds.isEmpty {
          instructions[index].run(&contexts[phase])
        } else {
          runTimed(instructions[index], &contexts[phase])
        }
      }
      mark = book(lane, phase, isCollective: wasCollective, from: mark)
    }
    return mark
  }

  private func runTimed(_ instruction: Instruction, _ context: inout WorkerContext) {
    let start = seconds(CLOCK_THREAD_CPUTIME_ID)
    instruction.run(&context)
    let elapsed = seconds(CLOCK_THREAD_CPUTIME_ID) - start
    kinds[instruction.kindIndex] += max(0, elapsed - lookSeconds)
  }

  private func book(_ lane: Int, _ phase: Int, isCollective: Bool, from mark: Double) -> Double {
    let now = seconds()
    if isCollective {
      times[phase].collective += now - mark
      collectiveSeconds[lane - lanes.lowerBound] += now - mark
    } else {
      times[phase].compute += now - mark
      computeSeconds[lane - lanes.lowerBound] += now - mark
    }
    return now
  }

  private func reset() {
    waitCPUSeconds = 0
    stretch = 0
    if !kinds.isEmpty { kinds.update(repeating: 0) }
    contexts.update(
      repeating: WorkerContext(scratch: scratch, lossScaleFactor: lossScaleFactor))
    times.update(repeating: PhaseTimes())
    computeSeconds.update(repeating: 0)
    collectiveSeconds.update(repeating: 0)
  }
}

extension Worker {
  func phaseTimes(_ phase: Int) -> PhaseTimes { times[phase] }
  func busySeconds(of lane: Int) -> (compute: Double, collective: Double) {
    (computeSeconds[lane - lanes.lowerBound], collectiveSeconds[lane - lanes.lowerBound])
  }
  /// What the Program stated of a phase and this worker's instructions found no need for.
  func unneeded(_ phase: Int) -> Work {
    Work(flops: contexts[phase].unneeded.flops, elements: contexts[phase].unneeded.elements)
  }

  var stretchSeconds: UnsafeBufferPointer<Double> { UnsafeBufferPointer(stretches) }

  func kindSeconds(_ kind: Int) -> Double { kinds.isEmpty ? 0 : kinds[kind] }

  var waitSeconds: Double { times.reduce(0) { $0 + $1.wait } }
  var diskSeconds: Double { times.reduce(0) { $0 + $1.disk } }

  /// What this worker's kernels and collectives counted in a phase; groups of collectives are not
  /// told apart where they are executed, so payloads stand under `.all`.
  func executed(_ phase: Int) -> Work {
    let context = contexts[phase]
    var work = Work(flops: context.kernels.flops, elements: context.kernels.elements)
    work.loadBytes = context.loadBytes
    work.storeBytes = context.storeBytes
    work.hostBytes = context.hostBytes
    let moved = context.collectives
    for (kind, bytes) in [
      (Operation.Collective.allReduceSum, moved.allReduceSum), (.allReduceMax, moved.allReduceMax),
      (.reduceScatter, moved.reduceScatter), (.allGather, moved.allGather),
      (.broadcast, moved.broadcast), (.send, moved.send),
    ] {
      work.collectives.record(kind, .all, bytes: bytes, calls: 0)
    }
    return work
  }
}

/// Monotonic time in seconds.
func seconds(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
