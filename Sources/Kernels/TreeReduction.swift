import CKernels

/// The canonical tree over n <= 64 sources: ((0 1)(2 3)) ..., an odd last one carried up.
///
/// Each element is combined on its own, so any cut into ranges gives the same bits. Counts
/// sources x range elements. `out` may be one of the sources.
package enum TreeReduction {
  package static func sum(
    _ sources: UnsafePointer<UnsafePointer<Float>?>, sourceCount: Int,
    into out: UnsafeMutablePointer<Float>, range: Range<Int>, counters: inout WorkCounters
  ) {
    check(sourceCount)
    counters.elements += sourceCount * range.count
    ck_tree_sum(
      CK_FLOAT32, raw(sources), Int32(sourceCount), out, range.lowerBound, range.count)
  }

  package static func max(
    _ sources: UnsafePointer<UnsafePointer<Float>?>, sourceCount: Int,
    into out: UnsafeMutablePointer<Float>, range: Range<Int>, counters: inout WorkCounters
  ) {
    check(sourceCount)
    counters.elements += sourceCount * range.count
    ck_tree_max(
      CK_FLOAT32, raw(sources), Int32(sourceCount), out, range.lowerBound, range.count)
  }

  private static func raw(
    _ sources: UnsafePointer<UnsafePointer<Float>?>
  ) -> UnsafePointer<UnsafeRawPointer?> {
    UnsafeRawPointer(sources).assumingMemoryBound(to: UnsafeRawPointer?.self)
  }

  private static func check(_ sourceCount: Int) {
    precondition((1...64).contains(sourceCount), "TreeReduction: \(sourceCount) sources")
  }
}
