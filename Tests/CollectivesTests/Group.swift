import Collectives

/// The buffers of a group in memory that stays in place, with guards around each target.
final class Group {
  let buffers: CollectiveBuffers
  let count: Int
  private let sources: UnsafeMutablePointer<UnsafePointer<Float>?>
  private let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var blocks: [UnsafeMutablePointer<Float>] = []

  private static let guardCount = 16
  /// What targets and guards hold before a collective writes.
  static let untouched: Float = -54321.5

  /// `count` is the number of elements of each target.
  init(
    _ values: [[Float]], targets targetCount: Int, of count: Int, payload: Payload = .float32
  ) {
    self.count = count
    sources = .allocate(capacity: values.count)
    targets = .allocate(capacity: targetCount)
    for (index, source) in values.enumerated() {
      let block = UnsafeMutablePointer<Float>.allocate(capacity: max(1, source.count))
      block.initialize(from: source, count: source.count)
      blocks.append(block)
      (sources + index).initialize(to: UnsafePointer(block))
    }
    let size = count + 2 * Self.guardCount
    for index in 0..<targetCount {
      let block = UnsafeMutablePointer<Float>.allocate(capacity: size)
      block.initialize(repeating: Self.untouched, count: size)
      blocks.append(block)
      (targets + index).initialize(to: block + Self.guardCount)
    }
    buffers = CollectiveBuffers(
      sources: sources, sourceCount: values.count, targets: targets, targetCount: targetCount,
      payload: payload)
  }

  deinit {
    blocks.forEach { $0.deallocate() }
    sources.deallocate()
    targets.deallocate()
  }

  func target(_ index: Int = 0) -> [Float] {
    Array(UnsafeBufferPointer(start: targets[index], count: count))
  }

  /// Whether nothing was written beside the targets.
  var guardsHold: Bool {
    (0..<buffers.targetCount).allSatisfy { index in
      (0..<Self.guardCount).allSatisfy {
        targets[index][-1 - $0] == Self.untouched && targets[index][count + $0] == Self.untouched
      }
    }
  }
}

/// Sizes of groups: all small ones, and the largest.
let groupSizes = Array(1...17) + [64]

/// Numbers of elements around the widths of vectors and cache lines.
let elementCounts = [0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100]

/// Whole numbers between -1000 and 1000: their sums are exact in float32, in any order.
func wholeNumbers(ranks: Int, count: Int) -> [[Float]] {
  func value(_ rank: Int, _ element: Int) -> Float {
    let mixed: Int = rank * 7919 + element * 104_729 + rank * element * 31
    return Float(mixed % 2001 - 1000)
  }
  return (0..<ranks).map { rank in (0..<count).map { value(rank, $0) } }
}

/// Numbers whose sums depend on the order, of widely different sizes.
func roughNumbers(ranks: Int, count: Int) -> [[Float]] {
  func rough(_ value: Float, _ rank: Int, _ element: Int) -> Float {
    let scale = Float(1 << ((rank + element) % 13))
    return value * 0.1 * scale + 1 / Float(rank + 3)
  }
  return wholeNumbers(ranks: ranks, count: count).enumerated().map { rank, row in
    row.enumerated().map { rough($1, rank, $0) }
  }
}

/// The range in pieces of these sizes, the last one shorter.
func cut(_ count: Int, into size: Int) -> [Range<Int>] {
  stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
}

/// The sum along the canonical tree: neighbours first, an odd last one carried up.
func treeSum(_ values: [Float]) -> Float {
  guard values.count > 1 else { return values[0] }
  return treeSum(
    stride(from: 0, to: values.count, by: 2).map {
      $0 + 1 < values.count ? values[$0] + values[$0 + 1] : values[$0]
    })
}

/// Bits, with one pattern for all NaNs: their payload is nobody's promise.
func bits(_ values: [Float]) -> [UInt32] {
  values.map { ($0.isNaN ? Float.nan : $0).bitPattern }
}
