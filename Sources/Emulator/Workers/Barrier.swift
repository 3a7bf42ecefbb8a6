import Glibc
import Synchronization

/// Lets a fixed number of workers go on together; a short look, then sleep, never a long spin.
final class Barrier: @unchecked Sendable {
  let parties: Int
  private let arrived = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let opened: UnsafeMutablePointer<pthread_cond_t>

  /// How often a waiter looks before it sleeps: about ten microseconds, what a wake-up costs.
  private static let looks = 400

  init(parties: Int) {
    precondition(parties > 0, "a barrier needs a worker")
    self.parties = parties
    lock = .allocate(capacity: 1)
    opened = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(opened, nil)
  }

  deinit {
    pthread_cond_destroy(opened)
    pthread_mutex_destroy(lock)
    opened.deallocate()
    lock.deallocate()
  }

  /// Returns once all parties have called it; what they wrote before is then visible to all.
  func wait() {
    guard parties > 1 else { return }
    let mine = generation.load(ordering: .acquiring)
    if arrived.add(1, ordering: .acquiringAndReleasing).newValue == parties {
      open(after: mine)
      return
    }
    for _ in 0..<Self.looks where generation.load(ordering: .acquiring) != mine { return }
    sleep(until: mine)
  }

  private func open(after mine: Int) {
    arrived.store(0, ordering: .relaxed)
    generation.store(mine + 1, ordering: .sequentiallyConsistent)
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(lock)
    pthread_cond_broadcast(opened)
    pthread_mutex_unlock(lock)
  }

  private func sleep(until mine: Int) {
    sleepers.add(1, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(lock)
    while generation.load(ordering: .sequentiallyConsistent) == mine {
      pthread_cond_wait(opened, lock)
    }
    pthread_mutex_unlock(lock)
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
  }
}
