/// The job's parts that are not steps: linear in what the Program has, fitted to four published rows.
///
/// Rows: GPT-J 6B on a Bow Pod16, training 600 s and evaluation 240 s of compilation, 480 s of
/// loading (Graphcore GPT-J notebook); Dolly 12B at TP 4, 169 s of compilation, 102 s of loading for
/// 23.8 GB (Graphcore Dolly notebook). As many constants as rows: nothing is left to test them by.
enum JobConstants {
  /// A trivial program for one IPU (thorbenlouw/lbm-graphcore, 5.24 s on a first-generation IPU).
  static let compileSecondsBase = 5.0
  /// Per operation as written, since loops share code; fitted to training against evaluation.
  static let compileSecondsPerOperation = 360.0 / 224
  /// Per weight and layer, which the host declares one by one; fitted to Dolly's 36 layers.
  static let compileSecondsPerWeight = 0.2266
  /// Per tensor-parallel rank, whose shards the host prepares: an assumption, fitted to Dolly's TP 4.
  static let compileSecondsPerShard = 7.126

  /// Fitted to the two loads.
  static let loadBytesPerSecond = 0.341e9
  /// Per variable and tensor-parallel rank, an array each on the host; fitted to the two loads.
  static let loadSecondsPerArray = 0.02754

  /// Fitted to the notebook's total: what is left for five checkpoints of 12.1 GB is 56 s each.
  static let checkpointBytesPerSecond = 12.1e9 / 56
  /// An executable is read at the same rate: an assumption.
  static let executableBytesPerSecond = 12.1e9 / 56

  /// A label's tokens and the end of text, from about 1,450 passes for 9,832 answers in 16 slots.
  static let tokensPerAnswer = 1450.0 * 16 / 9832

  /// Building the step's Program and compiling it, or reading the executable that a cache holds.
  static func compileSeconds(
    _ inventory: Inventory, isCached: Bool, _ machine: Machine
  ) -> Double {
    guard !isCached else {
      return compileSecondsBase + Double(machine.alwaysLiveBytes) / executableBytesPerSecond
    }
    return compileSecondsBase + compileSecondsPerOperation * Double(inventory.operations)
      + compileSecondsPerWeight * Double(inventory.weightVariables)
      + compileSecondsPerShard * Double(inventory.tensorParallel)
  }

  /// From the host's memory to the pod's: conversion on the host bounds it, not the links.
  static func loadSeconds(_ inventory: Inventory) -> Double {
    Double(inventory.bytes) / loadBytesPerSecond
      + loadSecondsPerArray * Double(inventory.variables * inventory.tensorParallel)
  }
}
