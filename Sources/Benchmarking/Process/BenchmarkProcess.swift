import CProcess
import FoundationEssentials
import Glibc
package import Regression

/// Another process that runs benchmarks: a `gptj-bench`, this one or another build of it.
///
/// It ends with its owner. Whatever goes wrong ends it at once, and every later request fails alike.
package final class BenchmarkProcess {
  /// The executable.
  package let path: String
  private let id: pid_t
  private let input: Int32
  private var output: LineReader
  /// How the process ended, once it was waited for.
  private var failure: BenchmarkProcessError?
  private var isReaped = false
  private var hasReplied = false

  /// Starts `path`, this very executable unless told otherwise, as `bench --serve`; `environment`
  /// is added to this process' own.
  ///
  /// - Throws: `BenchmarkProcessError.cannotStart`.
  package init(
    path: String = "/proc/self/exe", environment: [String: String] = [:]
  ) throws(BenchmarkProcessError) {
    self.path = path
    // A child that is gone is an error of `write`, not our end.
    signal(SIGPIPE, SIG_IGN)
    let (requests, replies) = (try Self.pipe(for: path), try Self.pipe(for: path))
    defer {
      close(requests.read)
      close(replies.write)
    }
    input = requests.write
    output = LineReader(descriptor: replies.read)
    let spawned = Self.spawn(
      path, input: requests.read, output: replies.write, environment: environment)
    guard case .success(let id) = spawned else {
      close(requests.write)
      close(replies.read)
      self.id = 0
      isReaped = true
      if case .failure(let code) = spawned { throw .cannotStart(path: path, errno: code.rawValue) }
      preconditionFailure("a spawn succeeds or fails")
    }
    self.id = id
  }

  /// Asks, and waits no longer than `timeLimit` seconds for the reply.
  ///
  /// - Throws: `BenchmarkProcessError`; the process is over then.
  package func send(
    _ request: BenchmarkRequest, timeLimit: Double = 120
  ) throws(BenchmarkProcessError) -> BenchmarkReply {
    if let failure { throw failure }
    let deadline = seconds() + timeLimit
    // Where the process has gone, the missing reply tells more.
    _ = writeLine(encodedLine(request), to: input)
    switch output.next(before: deadline) {
    case .line(let line):
      guard let reply = try? JSONDecoder().decode(BenchmarkReply.self, from: Data(line.utf8)),
        reply.answers(request)
      else { throw end(with: .malformedReply(path: path, request: request, reply: line)) }
      hasReplied = true
      return reply
    case .end(let rest) where rest.isEmpty: throw end(with: nil)
    case .end(let rest):
      throw end(with: .malformedReply(path: path, request: request, reply: rest))
    case .tooLong:
      throw end(with: .malformedReply(path: path, request: request, reply: "64 MiB in one line"))
    case .timeout:
      throw end(with: .noReply(path: path, request: request, seconds: timeLimit))
    case .failed: throw end(with: nil)
    }
  }

  /// What it can run.
  ///
  /// - Throws: `BenchmarkProcessError`, where its messages are of another version as well.
  package func list() throws(BenchmarkProcessError) -> BenchmarkListing {
    switch try send(.list) {
    case .listing(let listing):
      guard listing.schemaVersion == BenchmarkResult.schemaVersion else {
        throw end(
          with: .otherSchema(
            path: path, theirs: listing.schemaVersion, ours: BenchmarkResult.schemaVersion))
      }
      return listing
    case .failed(let reason): throw end(with: .refused(path: path, reason: reason))
    default: preconditionFailure("a reply that answers is a listing")
    }
  }

  deinit {
    close(input)
    if !isReaped { _ = reap(killing: true) }
    close(output.descriptor)
  }

  /// Ends the process; without an error, how it ended by itself is one.
  private func end(with error: BenchmarkProcessError?) -> BenchmarkProcessError {
    // It closed its output: it is ending, or will never reply.
    let status = reap(killing: error != nil, patience: 2)
    let error =
      error
      ?? (hasReplied || status != .code(64)
        ? .ended(path: path, status) : .doesNotServe(path: path))
    failure = error
    return error
  }

  private func reap(killing: Bool, patience: Double = 0) -> ProcessEnding {
    isReaped = true
    var status: Int32 = 0
    if !killing {
      let deadline = seconds() + patience
      while seconds() < deadline {
        let waited = waitpid(id, &status, WNOHANG)
        if waited == id { return ProcessEnding(status) }
        if waited < 0 && errno != EINTR { break }
        usleep(2000)
      }
    }
    kill(id, SIGKILL)
    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
    return ProcessEnding(status)
  }
}

// MARK: - Starting

extension BenchmarkProcess {
  private struct SystemCode: Error { let rawValue: Int32 }

  /// Closed in children that this process starts elsewhere.
  private static func pipe(
    for path: String
  ) throws(BenchmarkProcessError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pc_pipe(&ends) == 0 else { throw .cannotStart(path: path, errno: errno) }
    return (ends[0], ends[1])
  }

  private static func spawn(
    _ path: String, input: Int32, output: Int32, environment: [String: String]
  ) -> Result<pid_t, SystemCode> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var id: pid_t = 0
    // Otherwise the order of dictionaries, and with it the number of allocations, is a die.
    let environment = ["SWIFT_DETERMINISTIC_HASHING": "1"].merging(environment) { $1 }
    let code = withCStrings([path, "bench", "--serve"]) { arguments in
      withCStrings(variables(adding: environment)) { variables in
        spawning {
          posix_spawn(&id, path, &actions, &attributes, arguments, variables)
        }
      }
    }
    return code == 0 ? .success(id) : .failure(SystemCode(rawValue: code))
  }

  /// Asks again, for a second, while someone still holds the file open for writing: what was linked
  /// just now, or a child that has inherited it and not yet closed it.
  private static func spawning(_ spawn: () -> Int32) -> Int32 {
    var code = spawn()
    for _ in 0..<100 where code == ETXTBSY {
      usleep(10_000)
      code = spawn()
    }
    return code
  }

  private static func variables(adding more: [String: String]) -> [String] {
    var result: [String] = []
    var entry = environ
    while let text = entry.pointee {
      let variable = String(cString: text)
      if more[String(variable.prefix { $0 != "=" })] == nil { result.append(variable) }
      entry += 1
    }
    return result + more.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }
}

extension BenchmarkReply {
  /// Whether this is the kind of reply that the request has.
  fileprivate func answers(_ request: BenchmarkRequest) -> Bool {
    switch (request, self) {
    case (_, .failed), (.list, .listing), (.prepare, .prepared), (.run, .measured),
      (.calibrate, .measured), (.release, .released):
      true
    default: false
    }
  }
}
