/// How the lanes of an operation touch one of its operands.
package enum Access: Equatable {
  /// Each lane only the chunk that this cut gives it.
  case ownChunk(RowCut)
  /// Any lane any part.
  case anywhere
}

/// Finds where lanes must wait for each other: what one wrote and another reads, and the reverse.
package struct HazardTracker<Buffer: Hashable> {
  private struct Record {
    var access: Access
    var isWritten: Bool
  }

  private var records: [Buffer: [Record]] = [:]

  package init() {}

  /// Whether this access must be ordered after one since the last barrier, of the same buffer, or of
  /// others that have some of its bytes: those keep no rows apart.
  package func conflicts(
    _ buffer: Buffer, _ access: Access, writes: Bool, overlapping others: [Buffer] = []
  ) -> Bool {
    let mustWait = (records[buffer] ?? []).contains { earlier in
      guard earlier.isWritten || writes else { return false }
      guard case .ownChunk = access else { return true }
      return earlier.access != access
    }
    return mustWait
      || others.contains { (records[$0] ?? []).contains { $0.isWritten || writes } }
  }

  package mutating func record(_ buffer: Buffer, _ access: Access, writes: Bool) {
    var known = records[buffer] ?? []
    if let index = known.firstIndex(where: { $0.access == access }) {
      known[index].isWritten = known[index].isWritten || writes
    } else {
      known.append(Record(access: access, isWritten: writes))
    }
    records[buffer] = known
  }

  /// After a barrier everything is ordered.
  package mutating func clear() { records.removeAll(keepingCapacity: true) }
}
