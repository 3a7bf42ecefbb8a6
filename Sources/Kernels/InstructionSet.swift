import CKernels

/// The vector paths that the kernels are compiled for.
package enum InstructionSet: Int32, CaseIterable, Sendable {
  case portable = 0
  case avx2 = 1
  case avx512 = 2

  /// The path in use: the widest one of this machine, unless this thread is forced on
  /// another.
  package static var current: InstructionSet {
    InstructionSet(rawValue: ck_isa()) ?? .portable
  }

  /// The path that this thread takes from now on: `wanted`, or the widest of all for nil.
  ///
  /// A machine that lacks `wanted` takes the best path below it. For tests; other threads go on as they were.
  @discardableResult
  package static func force(_ wanted: InstructionSet?) -> InstructionSet {
    InstructionSet(rawValue: ck_force_isa(wanted?.rawValue ?? -1)) ?? .portable
  }
}
