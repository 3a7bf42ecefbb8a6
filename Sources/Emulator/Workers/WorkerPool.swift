import Glibc

/// Threads that live as long as the emulator and run the same job together, one worker each.
///
/// They are plain threads, not tasks: a worker is pinned, and waits at barriers.
final class WorkerPool: @unchecked Sendable {
  let count: Int
  /// Joins the workers inside a job.
  let barrier: Barrier
  private let gate: Barrier
  private var job: @Sendable (_ worker: Int) -> Void = { _ in }
  private var isStopping = false
  private var threads: [pthread_t] = []

  /// Starts the workers; each calls `prepare` once on its own thread.
  init(count: Int, prepare: @escaping @Sendable (_ worker: Int) -> Void) throws(EmulatorError) {
    self.count = count
    barrier = Barrier(parties: count)
    gate = Barrier(parties: count + 1)
    for worker in 0..<count {
      let start = WorkerStart(gate: gate, worker: worker, prepare: prepare, pool: self)
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil, { runWorker($0) }, Unmanaged.passRetained(start).toOpaque())
      guard code == 0 else { throw .cannotStartThread(errno: code) }
      threads.append(thread)
    }
    gate.wait()
  }

  /// Runs `job` on every worker and returns when all are done.
  func run(_ job: @escaping @Sendable (_ worker: Int) -> Void) {
    self.job = job
    gate.wait()
    gate.wait()
  }

  /// Ends the threads; nothing runs on the pool afterwards.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    gate.wait()
    for thread in threads { pthread_join(thread, nil) }
  }

  fileprivate func work(_ worker: Int) {
    while true {
      gate.wait()
      if isStopping { return }
      job(worker)
      gate.wait()
    }
  }
}

/// What a new thread is told; it does not keep the pool alive.
private final class WorkerStart {
  let gate: Barrier
  let worker: Int
  let prepare: @Sendable (Int) -> Void
  unowned let pool: WorkerPool

  init(
    gate: Barrier, worker: Int, prepare: @escaping @Sendable (Int) -> Void, pool: WorkerPool
  ) {
    self.gate = gate
    self.worker = worker
    self.prepare = prepare
    self.pool = pool
  }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
  start.prepare(start.worker)
  start.gate.wait()
  start.pool.work(start.worker)
  return nil
}
