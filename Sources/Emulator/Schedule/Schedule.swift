import Program

/// What the workers run: for each lane a flat list of instructions, cut into segments.
///
/// Loops are unrolled and every address resolved, so a step never looks at the Program.
struct Schedule {
  /// Instructions of all lanes that need no order among lanes.
  struct Segment {
    let phase: Int
    /// Whether all lanes must have finished what came before.
    let waitsBefore: Bool
    /// The turn of streaming memory that begins here, if one does.
    let enters: Int?
    /// Each lane's end in its own list; the segment starts where the one before ended.
    let ends: [Int]
  }

  let phaseNames: [String]
  /// What a run touches of streaming memory that is in a file; empty where none is.
  let turns: [StreamingTurn]
  let segments: [Segment]
  /// Each lane's instructions over the whole step.
  let lanes: [[Instruction]]
  /// For each phase, what the Program states and nobody executes, summed over ranks.
  ///
  /// Copies of replicas that are computed once, and masked blocks of attention.
  let skipped: [Work]
  /// Scratch bytes that one worker needs at a time.
  let scratchBytes: Int
  /// Pointer tables that the instructions refer to.
  let tables: PointerTables
}

/// Owns what instructions refer to: small arrays of addresses, and prepared products.
final class PointerTables: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var objects: [AnyObject] = []

  func keep(_ object: AnyObject) { objects.append(object) }

  func table<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
    let block = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    block.initialize(from: elements, count: elements.count)
    blocks.append(UnsafeMutableRawPointer(block))
    return UnsafePointer(block)
  }

  deinit { for block in blocks { block.deallocate() } }
}
