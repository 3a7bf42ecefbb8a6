import Glibc

/// Why benchmarks cannot be prepared or run.
package enum BenchmarkingError: Error, Equatable, CustomStringConvertible {
  /// A system call's refusal.
  case system(String, _ errno: Int32)
  case unknownBenchmark(String, nearest: String?)
  case notPrepared(String)
  case badIterations(Int)
  /// Test support: `GPTJ_BENCH_PLANT` says something else than faults.
  case badPlant(String)

  package var description: String {
    switch self {
    case .system(let what, let code): "\(what): \(String(cString: strerror(code)))"
    case .unknownBenchmark(let name, let nearest):
      "there is no benchmark \(name)" + (nearest.map { ", did you mean \($0)?" } ?? "")
    case .notPrepared(let name): "benchmark \(name) was not prepared"
    case .badIterations(let count): "\(count) iterations, expected from 1 to 1000000000"
    case .badPlant(let text):
      "GPTJ_BENCH_PLANT has '\(text)', expected slow:NAME:SHARE, allocate:NAME, crash:NAME or "
        + "collective:NAME of a benchmark, with commas between"
    }
  }
}
