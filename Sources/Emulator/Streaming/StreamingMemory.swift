import Glibc

/// Streaming memory whose buffers are in a file, some of them in the host's memory at a time.
///
/// Every buffer has an address of its own for good; memory is behind it only while it is resident. A
/// thread reads what the next turns of the Program's phases touch while the workers compute this one,
/// and writes back what has changed and will not be needed for longest.
final class StreamingMemory: @unchecked Sendable {
  /// Where each buffer is, in the file as in the mapping; nil for those that are not here.
  private let places: [Range<Int>?]
  private let mapping: UnsafeMutableRawBufferPointer
  private let file: StreamingFile
  /// Bytes that may be resident at a time.
  private let budget: Int
  private var turns: [StreamingTurn] = []
  /// The turns that touch each buffer, in order.
  private var uses: [Int: [Int]] = [:]

  // All below is guarded by the lock.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var resident: [Int: Residence] = [:]
  private var residentBytes = 0
  private var clock = 0
  /// Buffers that the file has; the others are zeros.
  private var filed: Set<Int> = []
  /// Turns whose buffers are there, and turns that the workers have left.
  private var ready = 0
  private var finished = 0
  private var isRunning = false
  private var isStopping = false
  private var counts = Counts()
  private var failure: Int32?
  private var thread = pthread_t()

  private struct Residence {
    var isDirty: Bool
    /// When it was asked for from outside.
    var lastUse: Int
  }

  /// What a run moved, and how long.
  struct Counts {
    var readBytes = 0
    var writtenBytes = 0
    var mostResidentBytes = 0
  }

  /// - Parameters:
  ///   - places: Aligned to `StreamingFile.alignment`; they start at 0.
  ///   - directory: Where the file is made, which has no name there.
  ///   - budget: Bytes that may be in memory at a time.
  /// - Throws: `EmulatorError` where the directory takes no such file, or there are no addresses.
  init(places: [Range<Int>?], directory: String, budget: Int) throws(EmulatorError) {
    let bytes = places.reduce(0) { max($0, $1?.upperBound ?? 0) }
    self.places = places
    self.budget = budget
    file = try StreamingFile(directory: directory, bytes: bytes)
    let mapped = mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapped, mapped != MAP_FAILED else {
      throw .outOfMemory(bytes: bytes, available: HostMemory.bytes)
    }
    for case let place? in places { Self.useHugePages(within: place, of: mapped) }
    mapping = UnsafeMutableRawBufferPointer(start: mapped, count: bytes)
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    munmap(mapping.baseAddress, mapping.count)
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Bytes of the file.
  var bytes: Int { mapping.count }

  /// Learns what a run touches, and starts the thread that serves it.
  ///
  /// - Throws: `EmulatorError` where one turn alone does not fit, or the host refuses.
  func start(_ turns: [StreamingTurn], besides: Int) throws(EmulatorError) {
    self.turns = turns
    for (turn, touched) in turns.enumerated() {
      for buffer in touched.buffers { uses[buffer, default: []].append(turn) }
    }
    let largest = turns.map { $0.buffers.reduce(0) { $0 + size($1) } }.max() ?? 0
    guard largest <= budget else {
      throw .hostMemoryTooSmall(needed: largest + besides, given: budget + besides)
    }
    let code = pthread_create(
      &thread, nil,
      {
        if let argument = $0 {
          Unmanaged<StreamingMemory>.fromOpaque(argument).takeRetainedValue().serve()
        }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard code == 0 else { throw .cannotStartThread(errno: code) }
  }

  /// Ends the thread; nothing is asked for afterwards.
  func stop() {
    locked {
      isStopping = true
      pthread_cond_broadcast(changed)
    }
    pthread_join(thread, nil)
  }

  func address(_ buffer: Int) -> UnsafeMutableRawPointer? {
    places[buffer].flatMap { place in mapping.baseAddress.map { $0 + place.lowerBound } }
  }

  // MARK: Outside a run

  /// Makes one buffer resident, to be read and changed until another is asked for.
  func fetch(_ buffer: Int) {
    guard places[buffer] != nil else { return }
    locked {
      precondition(!isRunning, "memory is not looked at while the Program runs")
      while resident[buffer] == nil, residentBytes + size(buffer) > budget,
        let oldest = resident.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        evict(oldest.key)
      }
      if resident[buffer] == nil { bring(buffer, isRead: true) }
      clock += 1
      resident[buffer] = Residence(isDirty: true, lastUse: clock)
    }
  }

  /// What went wrong with the disk, if anything ever did: contents are lost then.
  var errno: Int32? { locked { failure } }

  /// What the run so far moved.
  var moved: Counts { locked { counts } }

  // MARK: In a run

  func begin() {
    locked {
      (ready, finished, isRunning, counts) = (0, 0, true, Counts())
      pthread_cond_broadcast(changed)
    }
  }

  /// All workers have left the last turn.
  func end() {
    locked {
      finished = turns.count
      pthread_cond_broadcast(changed)
      while ready < turns.count, failure == nil { pthread_cond_wait(changed, lock) }
      isRunning = false
    }
  }

  /// Returns when all that a turn touches is resident; all workers have left the one before.
  func enter(_ turn: Int) {
    locked {
      if finished < turn {
        finished = turn
        pthread_cond_broadcast(changed)
      }
      while ready <= turn, failure == nil { pthread_cond_wait(changed, lock) }
    }
  }

  // MARK: The thread

  private func serve() {
    locked {
      while !isStopping {
        guard isRunning, ready < turns.count, failure == nil else {
          pthread_cond_wait(changed, lock)
          continue
        }
        prepare(ready)
      }
    }
  }

  /// Brings in all that a turn touches, unless the disk fails.
  private func prepare(_ turn: Int) {
    let touched = turns[turn]
    for buffer in touched.buffers where resident[buffer] == nil {
      while residentBytes + size(buffer) > budget, failure == nil {
        if let victim = victim(upTo: turn) {
          evict(victim)
        } else {
          pthread_cond_wait(changed, lock)
        }
      }
      guard failure == nil else { return }
      bring(buffer, isRead: touched.read.contains(buffer))
    }
    for buffer in touched.written { resident[buffer]?.isDirty = true }
    ready = turn + 1
    pthread_cond_broadcast(changed)
  }

  /// The resident buffer that is needed last, among those that no turn from the present one up to
  /// this one touches.
  private func victim(upTo turn: Int) -> Int? {
    var best: (buffer: Int, use: Int)?
    for buffer in resident.keys {
      let use = nextUse(of: buffer)
      guard use > turn else { continue }
      // By number where equal: nothing depends on the order of a dictionary.
      if best.map({ (use, buffer) > ($0.use, $0.buffer) }) ?? true { best = (buffer, use) }
    }
    return best?.buffer
  }

  /// The first turn from the present one on, counted on through the next run.
  private func nextUse(of buffer: Int) -> Int {
    guard let uses = uses[buffer] else { return Int.max }
    var (low, high) = (0, uses.count)
    while low < high {
      let middle = (low + high) / 2
      if uses[middle] < finished { low = middle + 1 } else { high = middle }
    }
    return low < uses.count ? uses[low] : uses[0] + turns.count
  }

  // MARK: Moving, with the lock held before and after

  private func bring(_ buffer: Int, isRead: Bool) {
    guard let place = places[buffer], let start = address(buffer) else { return }
    residentBytes += place.count
    counts.mostResidentBytes = max(counts.mostResidentBytes, residentBytes)
    resident[buffer] = Residence(isDirty: false, lastUse: clock)
    guard isRead, filed.contains(buffer) else { return }
    counts.readBytes += place.count
    unlocked { file.read(place, into: start) }
  }

  private func evict(_ buffer: Int) {
    guard let place = places[buffer], let start = address(buffer),
      let residence = resident.removeValue(forKey: buffer)
    else { return }
    if residence.isDirty {
      filed.insert(buffer)
      counts.writtenBytes += place.count
      unlocked { file.write(place, from: start) }
    }
    madvise(start, place.count, MADV_DONTNEED)
    residentBytes -= place.count
  }

  private func unlocked(_ work: () -> Int32?) {
    pthread_mutex_unlock(lock)
    let code = work()
    pthread_mutex_lock(lock)
    guard let code else { return }
    failure = code
    pthread_cond_broadcast(changed)
  }

  /// Only in the inside of a buffer: a page that reached into the next would count twice.
  private static func useHugePages(
    within place: Range<Int>, of mapping: UnsafeMutableRawPointer
  ) {
    let page = 2 << 20
    let first = UInt(bitPattern: mapping + place.lowerBound + page - 1) / UInt(page) * UInt(page)
    let end = UInt(bitPattern: mapping + place.upperBound) / UInt(page) * UInt(page)
    guard first < end, let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(start, Int(end - first), MADV_HUGEPAGE)
  }

  private func size(_ buffer: Int) -> Int { places[buffer]?.count ?? 0 }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body()
  }
}
