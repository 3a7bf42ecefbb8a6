import CProcess
import Collectives
import Glibc
import NearestName
import Regression

/// Test support: what `GPTJ_BENCH_PLANT` makes worse in a benchmark, to see whether it is noticed.
///
/// `slow:kernels/gelu:0.03,allocate:tokenizer/encode`; nothing but a benchmark process reads it.
enum Fault: Equatable {
  /// Takes longer by a share of its own time, computing nothing.
  case slow(share: Double)
  /// One heap allocation more in every iteration.
  case allocate
  /// Ends the process by a signal as soon as it is prepared.
  case crash
  /// One collective more in every iteration, a sum of one element over two ranks.
  case collective

  static let variable = "GPTJ_BENCH_PLANT"

  /// The faults of each benchmark.
  ///
  /// - Throws: `BenchmarkingError` for what cannot be planted: a fault that is not there proves nothing.
  static func parse(_ text: String) throws(BenchmarkingError) -> [String: [Fault]] {
    var faults: [String: [Fault]] = [:]
    for part in text.split(separator: ",") {
      let words = part.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard (2...3).contains(words.count),
        let fault = Fault(words[0], argument: words.count == 3 ? words[2] : nil)
      else { throw .badPlant(String(part)) }
      guard Benchmark.all.contains(where: { $0.name == words[1] }) else {
        throw .unknownBenchmark(words[1], nearest: nearest(words[1], in: Benchmark.all.map(\.name)))
      }
      faults[words[1], default: []].append(fault)
    }
    return faults
  }

  private init?(_ name: String, argument: String?) {
    switch (name, argument.map { Double($0) ?? -1 }) {
    case ("slow", let share?) where share > 0 && share < 100: self = .slow(share: share)
    case ("allocate", nil): self = .allocate
    case ("crash", nil): self = .crash
    case ("collective", nil): self = .collective
    default: return nil
    }
  }
}

extension Workload {
  /// The same with faults in it; only a crash comes at once.
  func planting(_ faults: [Fault]) -> Workload {
    faults.reduce(self) { $0.planting($1) }
  }

  private func planting(_ fault: Fault) -> Workload {
    switch fault {
    case .slow(let share):
      return Workload {
        let start = seconds()
        try iterate()
        let end = seconds()
        let until = end + share * (end - start)
        while seconds() < until {}
      } counts: {
        counts()
      }
    case .allocate:
      return Workload {
        try iterate()
        pc_allocate(64)
      } counts: {
        counts()
      }
    case .crash:
      signal(SIGSEGV, SIG_DFL)
      raise(SIGSEGV)
      return self
    case .collective: return plantingCollective()
    }
  }

  private func plantingCollective() -> Workload {
    let group = CollectiveGroup(ranks: 2, count: 1)
    var extra = CollectiveBytes()
    return Workload {
      try iterate()
      extra = CollectiveBytes()
      group.joined.allReduceSum(0..<1, counting: &extra)
    } counts: {
      let more = Counts.collectives(calls: 1, bytes: extra.total)
      var metrics = counts()
      for metric in more {
        if let index = metrics.firstIndex(where: { $0.name == metric.name }) {
          metrics[index].samples[0] += metric.samples[0]
        } else {
          metrics.append(metric)
        }
      }
      return metrics
    }
  }
}
