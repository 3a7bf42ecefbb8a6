import CKernels

/// The vector paths that the kernels are compiled for.
package enum InstructionSet: Int32, CaseIterable, Sendable {
  case portable = 0
  case avx2 = 1
  case avx512 = 2

  /// The path in use: the widest one of this machine, unless a test forces another.
  package static var current: InstructionSet {
    InstructionSet(rawValue: ck_isa()) ?? .portable
  }

  /// The path taken when `wanted` is asked for, or the widest of all for nil; process-wide.
  ///
  /// A machine that lacks `wanted` takes the best path below it. For tests.
  @discardableResult
  package static func force(_ wanted: InstructionSet?) -> InstructionSet {
    InstructionSet(rawValue: ck_force_isa(wanted?.rawValue ?? -1)) ?? .portable
  }
}
