import CNUMA
import Glibc

/// Where the pages of a memory area are at this moment.
package struct MemoryResidency: Sendable, Equatable {
  /// Pages on each NUMA node, by the system's number.
  package var pagesOfNode: [Int: Int] = [:]
  /// Pages that nobody has touched yet, or that are swapped out.
  package var absentPages = 0
  /// Why the kernel would not tell.
  package var refusal: String?

  /// Asks the kernel about every page of an area; moves nothing.
  ///
  /// Costs a system call per 4,096 pages.
  package init(of area: UnsafeRawBufferPointer) {
    var pages = wholePages(around: area)
    while !pages.isEmpty, refusal == nil {
      count(pages.prefix(4096))
      pages = pages.dropFirst(4096)
    }
  }

  private mutating func count(_ starts: ArraySlice<UInt>) {
    var addresses = starts.map { UnsafeMutableRawPointer(bitPattern: $0) }
    var status = [Int32](repeating: 0, count: addresses.count)
    // Without target nodes move_pages only reports: the node, or minus the error number.
    guard move_pages(0, UInt(addresses.count), &addresses, nil, &status, 0) == 0 else {
      refusal = errorText(errno)
      return
    }
    for place in status {
      if place >= 0 { pagesOfNode[Int(place), default: 0] += 1 } else { absentPages += 1 }
    }
  }
}

/// Asks for huge pages in an area; returns the kernel's words when it refuses.
///
/// Only the whole pages inside the area are advised.
package func adviseHugePages(_ area: UnsafeRawBufferPointer) -> String? {
  let page = UInt(getpagesize())
  guard let base = area.baseAddress else { return "the area is empty" }
  let start = (UInt(bitPattern: base) + page - 1) / page * page
  let end = (UInt(bitPattern: base) + UInt(area.count)) / page * page
  guard start < end, let first = UnsafeMutableRawPointer(bitPattern: start) else {
    return "the area is smaller than a page"
  }
  return madvise(first, Int(end - start), MADV_HUGEPAGE) == 0 ? nil : errorText(errno)
}

/// The addresses of the pages that an area touches.
private func wholePages(around area: UnsafeRawBufferPointer) -> ArraySlice<UInt> {
  guard let base = area.baseAddress, area.count > 0 else { return [] }
  let page = UInt(getpagesize())
  let first = UInt(bitPattern: base) / page * page
  return Array(stride(from: first, to: UInt(bitPattern: base) + UInt(area.count), by: Int(page)))[
    ...]
}
