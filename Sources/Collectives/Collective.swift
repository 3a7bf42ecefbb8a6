import CKernels
import Glibc

/// Payload bytes that collectives moved, counted where they move them.
///
/// Every rank's contribution counts: an all-reduce of n ranks counts n buffers.
package struct CollectiveBytes: Sendable, Equatable {
  package var allReduceSum = 0
  package var allReduceMax = 0
  package var reduceScatter = 0
  package var allGather = 0
  package var broadcast = 0
  package var send = 0

  package init() {}
}

/// In which type elements travel, or are stored; sums are float32 always.
package enum Payload: Sendable {
  case float32
  /// Rounded to the nearest where they are written.
  case bfloat16, float16

  var bytes: Int { self == .float32 ? 4 : 2 }
  fileprivate var kernelType: Int32 {
    switch self {
    case .float32: CK_FLOAT32
    case .bfloat16: CK_BFLOAT16
    case .float16: CK_FLOAT16
    }
  }
}

/// The buffers that one rank, or one worker for several, joins in a collective.
///
/// Sources stand in group order; sums are formed along the canonical binary tree over that order,
/// so a result never depends on who computes which part of it. A payload smaller than what is stored
/// is rounded once on its way into a sum and once on its way out of it, as if by a tree of links that
/// add in float32. Whoever fills the arrays owns them.
package struct CollectiveBuffers {
  package let sources: UnsafePointer<UnsafeRawPointer?>
  package let sourceCount: Int
  package let targets: UnsafePointer<UnsafeMutableRawPointer>
  package let targetCount: Int
  /// How elements are stored.
  package let stored: Payload
  package let payload: Payload

  package init(
    sources: UnsafePointer<UnsafeRawPointer?>, sourceCount: Int,
    targets: UnsafePointer<UnsafeMutableRawPointer>, targetCount: Int, stored: Payload,
    payload: Payload
  ) {
    precondition(sourceCount > 0 && sourceCount <= 64, "a group has 1 to 64 ranks")
    precondition(targetCount > 0, "a collective writes somewhere")
    precondition(
      stored == .float32 || payload == stored,
      "buffers of \(stored) with a payload of \(payload)")
    self.sources = sources
    self.sourceCount = sourceCount
    self.targets = targets
    self.targetCount = targetCount
    self.stored = stored
    self.payload = payload
  }

  /// Buffers of float32.
  package init(
    sources: UnsafePointer<UnsafePointer<Float>?>, sourceCount: Int,
    targets: UnsafePointer<UnsafeMutablePointer<Float>>, targetCount: Int,
    payload: Payload = .float32
  ) {
    self.init(
      sources: UnsafeRawPointer(sources).assumingMemoryBound(to: UnsafeRawPointer?.self),
      sourceCount: sourceCount,
      targets: UnsafeRawPointer(targets).assumingMemoryBound(to: UnsafeMutableRawPointer.self),
      targetCount: targetCount, stored: .float32, payload: payload)
  }
}

extension CollectiveBuffers {
  private func sentBytes(_ part: Range<Int>) -> Int {
    part.count * payload.bytes * sourceCount
  }

  /// Elements `part` of the sources, summed into the same elements of `target`.
  ///
  /// What is sent on from there is rounded once more.
  private func sum(_ part: Range<Int>, into target: UnsafeMutableRawPointer, sendsOn: Bool) {
    let (first, count) = (part.lowerBound, part.count)
    if let rounding {
      ck_tree_sum_rounded(
        rounding, UnsafeRawPointer(sources).assumingMemoryBound(to: UnsafePointer<Float>?.self),
        Int32(sourceCount), target.assumingMemoryBound(to: Float.self), first, count,
        sendsOn ? 1 : 0)
    } else {
      ck_tree_sum(stored.kernelType, sources, Int32(sourceCount), target, first, count)
    }
  }

  private func copy(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int) {
    if let rounding {
      ck_round_trip(
        rounding, from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self),
        count)
    } else {
      memmove(to, from, count * stored.bytes)
    }
  }

  /// What elements are rounded to on their way, where they are stored as more.
  private var rounding: Int32? { payload == stored ? nil : payload.kernelType }

  /// Elements `part` of every target become the sum of the sources' same elements.
  ///
  /// Cost: reads sources x part, writes targets x part.
  package func allReduceSum(_ part: Range<Int>, counting bytes: inout CollectiveBytes) {
    sum(part, into: targets[0], sendsOn: true)
    copyToOtherTargets(part)
    bytes.allReduceSum += sentBytes(part)
  }

  /// Elements `part` of every target become the largest of the sources' same elements.
  package func allReduceMax(_ part: Range<Int>, counting bytes: inout CollectiveBytes) {
    ck_tree_max(
      stored.kernelType, sources, Int32(sourceCount), targets[0], part.lowerBound, part.count)
    copyToOtherTargets(part)
    bytes.allReduceMax += sentBytes(part)
  }

  /// The only target, a shard that starts at element `offset` of the sources, gets their sum there.
  ///
  /// `part` counts in the shard; what lies beyond `count` elements of the sources is zeroed.
  package func reduceScatter(
    _ part: Range<Int>, offset: Int, count: Int, counting bytes: inout CollectiveBytes
  ) {
    let end = max(part.lowerBound, min(part.upperBound, count - offset))
    let real = part.lowerBound..<end
    if !real.isEmpty {
      sum(
        real.lowerBound + offset..<real.upperBound + offset,
        into: targets[0] - offset * stored.bytes,
        sendsOn: false)
    }
    if end < part.upperBound {
      memset(targets[0] + end * stored.bytes, 0, (part.upperBound - end) * stored.bytes)
    }
    bytes.reduceScatter += sentBytes(real)
  }

  /// The only source, the shard that starts at element `offset` of the whole, goes to every target.
  ///
  /// `part` counts in the shard; its padding beyond `count` elements of the whole is dropped.
  package func allGather(
    _ part: Range<Int>, offset: Int, count: Int, counting bytes: inout CollectiveBytes
  ) {
    let end = max(part.lowerBound, min(part.upperBound, count - offset))
    guard let source = sources[0], end > part.lowerBound else { return }
    for target in 0..<targetCount {
      copy(
        source + part.lowerBound * stored.bytes,
        targets[target] + (offset + part.lowerBound) * stored.bytes, end - part.lowerBound)
    }
    bytes.allGather += (end - part.lowerBound) * payload.bytes * targetCount
  }

  /// Elements `part` of the only source, the root's buffer, go to every target.
  package func broadcast(_ part: Range<Int>, counting bytes: inout CollectiveBytes) {
    guard let source = sources[0] else { return }
    for target in 0..<targetCount {
      let first = part.lowerBound * stored.bytes
      memmove(targets[target] + first, source + first, part.count * stored.bytes)
    }
    bytes.broadcast += part.count * stored.bytes * targetCount
  }

  /// Elements `part` of the only source go to the only target.
  package func send(_ part: Range<Int>, counting bytes: inout CollectiveBytes) {
    guard let source = sources[0] else { return }
    let first = part.lowerBound * stored.bytes
    copy(source + first, targets[0] + first, part.count)
    bytes.send += part.count * payload.bytes
  }

  private func copyToOtherTargets(_ part: Range<Int>) {
    for target in 1..<max(1, targetCount) {
      let first = part.lowerBound * stored.bytes
      memmove(targets[target] + first, targets[0] + first, part.count * stored.bytes)
    }
  }
}
