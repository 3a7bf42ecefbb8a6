import FoundationEssentials
import Glibc
import Kernels
import NearestName
import Regression

/// The benchmark process: answers requests, one JSON object a line, until there are no more.
package final class BenchmarkServer {
  private let benchmarks: [Benchmark]
  private let version: String
  private let faults: [String: [Fault]]
  private var prepared: [String: Workload] = [:]
  private lazy var calibration = CalibrationKernel()

  /// Reads `GPTJ_BENCH_PLANT`, which is test support.
  ///
  /// - Throws: `BenchmarkingError` where that is wrong.
  package init(
    _ benchmarks: [Benchmark] = Benchmark.all, version: String
  ) throws(BenchmarkingError) {
    self.benchmarks = benchmarks
    self.version = version
    faults = try Fault.parse(getenv(Fault.variable).map { String(cString: $0) } ?? "")
  }

  /// Answers standard input on standard output; what else is printed goes to standard error.
  ///
  /// - Throws: `BenchmarkingError` where standard output is closed.
  package func serve() throws(BenchmarkingError) {
    let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
      throw .system("cannot write replies to standard output", errno)
    }
    defer { close(output) }
    // Benchmarks may start nothing that would read requests in our place, but must not meet a terminal.
    var lines = LineReader(descriptor: STDIN_FILENO)
    while case .line(let line) = lines.next() {
      guard writeLine(reply(to: line), to: output) == 0 else { return }
    }
  }

  /// One line's reply, `.failed` for what is no request.
  func reply(to line: String) -> String {
    let reply: BenchmarkReply
    do {
      let request = try JSONDecoder().decode(BenchmarkRequest.self, from: Data(line.utf8))
      reply = try self.reply(to: request)
    } catch let error as DecodingError {
      reply = .failed(reason: "'\(line.prefix(200))' is no request: \(error)")
    } catch {
      reply = .failed(reason: "\(error)")
    }
    return encodedLine(reply)
  }

  private func reply(to request: BenchmarkRequest) throws -> BenchmarkReply {
    switch request {
    case .list:
      return .listing(
        BenchmarkListing(
          schemaVersion: BenchmarkResult.schemaVersion, tool: .ofThisProcess(version: version),
          machine: .ofThisHost(), benchmarks: benchmarks.map(\.entry)))
    case .prepare(let name, let counting):
      // What it held goes first: the peak of memory is one benchmark's.
      prepared[name] = nil
      let (workload, answer) = try benchmark(name).prepared(
        planting: faults[name] ?? [], counting: counting)
      prepared[name] = workload
      return .prepared(answer)
    case .run(let name, let iterations):
      guard (1...1_000_000_000).contains(iterations) else {
        throw BenchmarkingError.badIterations(iterations)
      }
      guard let workload = prepared[try benchmark(name).name] else {
        throw BenchmarkingError.notPrepared(name)
      }
      return try measured { for _ in 0..<iterations { try workload.iterate() } }
    case .calibrate(let calibrator):
      let kernel = calibration
      return measured { kernel.run(calibrator) }
    case .release(let name):
      prepared[try benchmark(name).name] = nil
      return .released
    }
  }

  private func benchmark(_ name: String) throws(BenchmarkingError) -> Benchmark {
    guard let benchmark = benchmarks.first(where: { $0.name == name }) else {
      throw .unknownBenchmark(name, nearest: nearest(name, in: benchmarks.map(\.name)))
    }
    return benchmark
  }

  private func measured(_ body: () throws -> Void) rethrows -> BenchmarkReply {
    let cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)
    let start = seconds()
    try body()
    let end = seconds()
    return .measured(
      seconds: end - start, cpuSeconds: seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
  }
}
