import CHwloc
import CNUMA
import Glibc

/// What was asked of the kernel, what it did, and its words when it refused.
package struct BindingReport: Sendable, Equatable {
  /// Processing units, or NUMA nodes for memory.
  package var requested: [Int]
  /// Read back afterwards, in ascending order; nil when that failed as well.
  package var got: [Int]?
  /// Why it was refused, or could not be read back.
  package var refusal: String?

  package init(requested: [Int], got: [Int]? = nil, refusal: String? = nil) {
    self.requested = requested
    self.got = got
    self.refusal = refusal
  }

  package var isHonoured: Bool { refusal == nil && got == requested }
}

/// Pins threads and memory to where a ``Placement`` wants them.
///
/// Nothing here fails a run: a refusal (a container without the right, a synthetic host) is reported
/// and the work goes on unpinned.
package final class WorkerBinding: Sendable {
  private let machine: HwlocMachine?
  private let refusal: String?

  /// Binds on this machine only: for another host every call reports a refusal.
  package init(host: HostTopology) {
    guard host.isThisMachine else {
      (machine, refusal) = (nil, "the host is not this machine")
      return
    }
    do {
      (machine, refusal) = (try HwlocMachine.load(synthetic: nil), nil)
    } catch {
      (machine, refusal) = (nil, error.description)
    }
  }

  /// Pins the calling thread to one processing unit and reads the mask back.
  package func pinCallingThread(to unit: Int) -> BindingReport {
    var report = BindingReport(requested: [unit])
    guard let machine, unit >= 0 else {
      report.refusal = refusal ?? "there is no processing unit \(unit)"
      return report
    }
    let set = HwlocBitmap([unit])
    let flags = Int32(HWLOC_CPUBIND_THREAD.rawValue)
    if hwloc_set_cpubind(machine.raw, set.raw, flags) != 0 { report.refusal = errorText(errno) }
    let now = HwlocBitmap()
    if hwloc_get_cpubind(machine.raw, now.raw, flags) == 0 {
      report.got = now.members
    } else {
      report.refusal = report.refusal ?? errorText(errno)
    }
    return report
  }

  /// The processing unit that the calling thread was last seen on; nil when that is unknown.
  package func unitOfCallingThread() -> Int? {
    guard let machine else { return nil }
    let set = HwlocBitmap()
    let flags = Int32(HWLOC_CPUBIND_THREAD.rawValue)
    guard hwloc_get_last_cpu_location(machine.raw, set.raw, flags) == 0 else { return nil }
    return set.members.first
  }

  /// Binds a memory area to a NUMA node and reads the policy of its first page back.
  ///
  /// Call it before the first touch: pages that exist already are not moved. Whole pages are bound,
  /// so the area should begin and end at page boundaries.
  package func bind(_ area: UnsafeRawBufferPointer, toNode node: Int) -> BindingReport {
    var report = BindingReport(requested: [node])
    guard let machine, let start = area.baseAddress, node >= 0 else {
      report.refusal = refusal ?? (node < 0 ? "there is no NUMA node \(node)" : "the area is empty")
      return report
    }
    let set = HwlocBitmap([node])
    let flags = Int32(HWLOC_MEMBIND_BYNODESET.rawValue)
    if hwloc_set_area_membind(
      machine.raw, start, area.count, set.raw, HWLOC_MEMBIND_BIND, flags) != 0
    {
      report.refusal = errorText(errno)
    }
    switch boundNodes(of: start) {
    case .success(let nodes): report.got = nodes
    case .failure(let refused): report.refusal = report.refusal ?? refused.text
    }
    return report
  }
}

/// The system's refusal of a call.
private struct Refused: Error {
  let text: String
}

/// The nodes that the policy of the page at an address allows; none for the default policy.
///
/// libnuma instead of hwloc, so that what hwloc set is read by another's eyes.
private func boundNodes(of address: UnsafeRawPointer) -> Result<[Int], Refused> {
  // The most nodes a Linux kernel is built for (CONFIG_NODES_SHIFT is at most 10).
  let mostNodes = 1024
  var mode: Int32 = 0
  var mask = [UInt](repeating: 0, count: mostNodes / UInt.bitWidth)
  let page = UnsafeMutableRawPointer(mutating: address)
  guard get_mempolicy(&mode, &mask, UInt(mostNodes), page, UInt32(MPOL_F_ADDR)) == 0 else {
    return .failure(Refused(text: errorText(errno)))
  }
  let nodes = (0..<mostNodes).filter { node in
    mask[node / UInt.bitWidth] >> UInt(node % UInt.bitWidth) & 1 == 1
  }
  return .success(nodes)
}
