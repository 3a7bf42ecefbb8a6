import Glibc

/// Why a Program cannot be emulated on this machine.
package enum EmulatorError: Error, Equatable, CustomStringConvertible {
  case outOfMemory(bytes: Int, available: Int)
  case tooManyRanks(Int)
  case unsupportedElementType(tensor: String, type: String)
  case cannotStartThread(errno: Int32)
  case streamingFile(directory: String, bytes: Int, errno: Int32)
  case streamingDisk(directory: String, errno: Int32)
  case hostMemoryTooSmall(needed: Int, given: Int)

  /// Groups that one reduction kernel joins (`ck_tree_sum`).
  package static let mostRanks = 64

  package var description: String {
    switch self {
    case .outOfMemory(let bytes, let available):
      "the emulated IPUs and their schedule need \(bytes) bytes, this machine has \(available) for them; "
        + "expected a smaller model, a shorter sequence or a smaller global batch"
    case .tooManyRanks(let ranks):
      "the emulator runs at most \(Self.mostRanks) ranks, the plan has \(ranks)"
    case .unsupportedElementType(let tensor, let type):
      "the emulator keeps keys and values in float32, tensor \(tensor) is \(type)"
    case .cannotStartThread(let code):
      "cannot start a worker thread (errno \(code))"
    case .streamingFile(let directory, let bytes, let code):
      "\(directory): cannot make a file of \(bytes) bytes for streaming memory there: \(Self.text(code))"
    case .streamingDisk(let directory, let code):
      "\(directory): the file of streaming memory failed, the step is lost: \(Self.text(code))"
    case .hostMemoryTooSmall(let needed, let given):
      "the step needs \(needed) bytes of this machine's memory at once, streaming memory in files; "
        + "expected --host-memory of at least that, not \(given), or a smaller model, sequence or "
        + "micro-batch"
    }
  }

  private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
