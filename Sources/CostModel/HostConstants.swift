package import Program

/// The job's parts that happen on the host: what building, compiling and loading a Program take.
///
/// Solved from seven published figures, five constants: the time to build graphs is one constant for
/// two rows, so they show how far such a figure can be trusted.
package struct HostConstants: Sendable, Equatable {
  /// Of compiling anything: attaching, lowering, linking.
  package let compileSecondsBase: Double
  /// Per operation as written and IPU of a replica; loops and replicas share their code.
  package let compileSecondsPerOperation: Double
  /// Per weight and layer, which the host declares one by one.
  package let graphSecondsPerWeight: Double
  /// Per variable and tensor-parallel rank, an array each on the host, when building and when loading.
  package let secondsPerArray: Double
  /// From the host's memory to the pod's: conversion on the host bounds it, not the links.
  package let loadBytesPerSecond: Double

  /// What a program has that takes the host's time.
  package struct Row: Sendable, Equatable {
    var operations: Int
    var variables: Int
    var weightVariables: Int
    var bytes: Int
    var tensorParallel: Int

    package init(
      operations: Int, variables: Int, weightVariables: Int, bytes: Int, tensorParallel: Int
    ) {
      self.operations = operations
      self.variables = variables
      self.weightVariables = weightVariables
      self.bytes = bytes
      self.tensorParallel = tensorParallel
    }

    package init(of program: Program) {
      let inventory = Inventory(of: program)
      self.init(
        operations: inventory.operations, variables: inventory.variables,
        weightVariables: inventory.weightVariables, bytes: inventory.bytes,
        tensorParallel: inventory.tensorParallel)
    }

    var arrays: Double { Double(variables) * Double(tensorParallel) }
    var weightArrays: Double { Double(weightVariables) * Double(tensorParallel) }
  }

  /// Compiling and loading: training against evaluation gives an operation, Dolly's compilation the
  /// base, the two loads an array and a byte, and both graphs together a weight.
  package init(training: Row, pass: Row, dolly: Row) {
    let perOperation =
      (Published.trainingCompileSeconds - Published.evaluationCompileSeconds)
      / Double(training.operations - pass.operations)
    let base = Published.dollyCompileSeconds - perOperation * Double(dolly.operations)
    // Two loads: seconds = arrays x a + bytes x b.
    let (bytes, dollyBytes) = (Double(training.bytes), Double(dolly.bytes))
    let determinant = training.arrays * dollyBytes - dolly.arrays * bytes
    let perArray =
      (Published.trainingLoadSeconds * dollyBytes - Published.dollyLoadSeconds * bytes)
      / determinant
    let perByte =
      (training.arrays * Published.dollyLoadSeconds
        - dolly.arrays * Published.trainingLoadSeconds) / determinant
    let passGraph =
      Published.evaluationCompileSeconds - base - perOperation * Double(pass.operations)
    let perWeight = [(pass, passGraph), (dolly, Published.dollyGraphSeconds)].map { row, seconds in
      (seconds - perArray * row.weightArrays) / Double(row.weightVariables)
    }
    compileSecondsBase = base
    compileSecondsPerOperation = perOperation
    graphSecondsPerWeight = perWeight.reduce(0, +) / Double(perWeight.count)
    secondsPerArray = perArray
    loadBytesPerSecond = 1 / perByte
  }

  /// Counted from the Programs of the three rows; a test counts them anew.
  package static let fitted = HostConstants(
    training: Row(
      operations: 266, variables: 687, weightVariables: 229, bytes: 60_510_138_560,
      tensorParallel: 16),
    pass: Row(
      operations: 43, variables: 229, weightVariables: 229, bytes: 12_102_027_712,
      tensorParallel: 16),
    dolly: Row(
      operations: 43, variables: 293, weightVariables: 293, bytes: 23_681_923_280,
      tensorParallel: 4))

  /// How far such a figure can be trusted, either way: an assumption, wider than the rows' residuals,
  /// for hosts and versions differ.
  package static let spread = 1.4

  /// Fitted to the notebook's total: what is left for five checkpoints of 12.1 GB is 56 s each.
  static let checkpointBytesPerSecond = 12.1e9 / 56
  /// An executable is read at the same rate: an assumption.
  static let executableBytesPerSecond = 12.1e9 / 56
  /// Of reading an executable, beside its bytes (thorbenlouw/lbm-graphcore, a trivial program: 5.24 s).
  static let cachedSecondsBase = 5.0

  /// A label's tokens and the end of text, from about 1,450 passes for 9,832 answers in 16 slots.
  static let tokensPerAnswer = Double(Published.passes) * 16 / 9832

  /// Of host memory for each IPU of a replica while compiling: BERT on 4 IPUs needs more than 32 GiB
  /// and 128 GiB are enough (EPCCed/eidf-docs); the geometric middle.
  static let compileHostBytesPerIPU = 16 << 30

  func compileSeconds(_ row: Row, ipusPerReplica: Int) -> Double {
    graphSecondsPerWeight * Double(row.weightVariables) + secondsPerArray * row.weightArrays
      + compileSecondsBase
      + compileSecondsPerOperation * Double(row.operations) * Double(ipusPerReplica)
  }

  func loadSeconds(_ row: Row) -> Double {
    Double(row.bytes) / loadBytesPerSecond + secondsPerArray * row.arrays
  }

  /// The constants by name, each with the spread of what they predict.
  package var constants: [Calibration.Constant] {
    [
      ("compile_seconds_base", "s", compileSecondsBase),
      ("compile_seconds_per_operation", "s", compileSecondsPerOperation),
      ("graph_seconds_per_weight", "s", graphSecondsPerWeight),
      ("host_seconds_per_array", "s", secondsPerArray),
      ("load_bytes_per_second", "B/s", loadBytesPerSecond),
    ].map { name, unit, value in
      Calibration.Constant(
        name: name, unit: unit, value: value, low: value / Self.spread, high: value * Self.spread)
    }
  }
}

extension Estimator {
  /// Building the Program's graphs and compiling them, or reading the executable that a cache holds.
  ///
  /// Grows with the operations of each IPU of a replica, whatever the number of replicas; a Program
  /// is what one IPU runs, and a pipeline's replica has several.
  package func compileSeconds(
    of program: Program, ipusPerReplica: Int = 1, isCached: Bool = false
  ) -> Double {
    let row = HostConstants.Row(of: program)
    guard !isCached else {
      let bytes = machine.alwaysLiveBytes(operations: row.operations) * ipusPerReplica
      return HostConstants.cachedSecondsBase
        + Double(bytes) / HostConstants.executableBytesPerSecond
    }
    return host.compileSeconds(row, ipusPerReplica: ipusPerReplica)
  }

  /// From the host's memory to the pod's.
  package func loadSeconds(of program: Program) -> Double {
    host.loadSeconds(HostConstants.Row(of: program))
  }

  /// Host memory to compile, and to hold and convert what is loaded.
  package func hostBytes(of program: Program, ipusPerReplica: Int = 1) -> (compile: Int, load: Int)
  {
    (
      HostConstants.compileHostBytesPerIPU * ipusPerReplica,
      2 * HostConstants.Row(of: program).bytes
    )
  }
}
