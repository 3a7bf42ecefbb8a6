import CKernels

/// The vector paths that the kernels are compiled for.
package enum InstructionSet: Int32, CaseIterable, Sendable {
  case portable = 0
  case avx2 = 1
  case avx512 = 2
  /// As `avx512`, but narrows to bfloat16 by an instruction.
  case avx512BFloat16 = 3
  /// As that, and attention of bfloat16 multiplies in bfloat16.
  case avx512BFloat16Products = 4

  /// The paths that this machine can run, the fastest of which need not be the last.
  package static var available: [InstructionSet] {
    allCases.filter { $0.rawValue <= ck_widest_isa() }
  }

  /// The path in use: the fastest one of this machine, unless this thread is forced on
  /// another.
  package static var current: InstructionSet {
    InstructionSet(rawValue: ck_isa()) ?? .portable
  }

  /// The path that this thread takes from now on: `wanted`, or the fastest of all for nil.
  ///
  /// A machine that lacks `wanted` takes the best path below it. For tests; other threads go on as they were.
  @discardableResult
  package static func force(_ wanted: InstructionSet?) -> InstructionSet {
    InstructionSet(rawValue: ck_force_isa(wanted?.rawValue ?? -1)) ?? .portable
  }
}
