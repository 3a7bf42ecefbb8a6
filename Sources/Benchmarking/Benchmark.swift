package import Regression

/// One thing whose speed and work are watched from version to version.
package struct Benchmark: Sendable {
  /// `suite/what`.
  package let name: String
  /// What runs, in words: shapes, precision, sharding plan, workers.
  package let plan: String
  /// What bounds it, and so what its times are compared to.
  package let calibrator: Calibrator
  /// Whether it waits, for workers or a disk, so that CPU time alone does not tell its speed.
  package let waits: Bool
  /// Builds what its iterations need; the same on every machine.
  package let prepare: @Sendable () throws -> Workload

  package init(
    _ name: String, _ plan: String, _ calibrator: Calibrator = .compute, waits: Bool = false,
    prepare: @escaping @Sendable () throws -> Workload
  ) {
    precondition(name.contains("/"), "\(name): expected suite/what")
    self.name = name
    self.plan = plan
    self.calibrator = calibrator
    self.waits = waits
    self.prepare = prepare
  }

  package var suite: String { String(name.prefix { $0 != "/" }) }

  package var entry: BenchmarkListing.Entry {
    BenchmarkListing.Entry(
      name: name, suite: suite, plan: plan, calibrator: calibrator,
      waits: waits, isGate: Self.gate.contains(name))
  }

  /// What `compare --run` takes unless told otherwise: the hot paths, few enough for many rounds.
  private static let gate = Set(
    kernelsInCache.map(\.name) + [
      "collectives/all_reduce_in_cache", "emulator/step_tp16_one_worker", "estimate/pod16",
      "tokenizer/encode",
    ])

  /// All of them, suite by suite.
  package static let all =
    kernels + collectives + emulator + estimate + plans + tokenizer + checkpoint
}

/// A benchmark that is ready to run.
package struct Workload {
  /// Does one iteration, of about 1 to 50 ms.
  package let iterate: () throws -> Void
  /// What the last iteration counted.
  package let counts: () -> [Metric]

  package init(iterate: @escaping () throws -> Void, counts: @escaping () -> [Metric]) {
    self.iterate = iterate
    self.counts = counts
  }
}
