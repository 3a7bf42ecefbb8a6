import CHwloc
import Glibc

/// A loaded hwloc topology; freed with its last reference.
///
/// Unchecked, because a loaded topology is only read: hwloc allows that from several threads.
final class HwlocMachine: @unchecked Sendable {
  let raw: hwloc_topology_t

  private init(raw: hwloc_topology_t) { self.raw = raw }

  deinit { hwloc_topology_destroy(raw) }

  /// Looks at this machine, or builds the synthetic one that is described.
  ///
  /// What the cgroup forbids is included, so that it can be told from what does not exist.
  static func load(synthetic description: String?) throws(TopologyError) -> HwlocMachine {
    var created: hwloc_topology_t?
    guard hwloc_topology_init(&created) == 0, let created else {
      throw .unavailable("hwloc cannot start: \(errorText(errno))")
    }
    let machine = HwlocMachine(raw: created)
    hwloc_topology_set_flags(created, UInt(HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED.rawValue))
    if let description {
      guard hwloc_topology_set_synthetic(created, description) == 0 else {
        throw .badHost(description, reason: "expected a description such as \(syntheticExample)")
      }
    }
    guard hwloc_topology_load(created) == 0 else {
      let reason = "hwloc cannot load it: \(errorText(errno))"
      if let description { throw .badHost(description, reason: reason) }
      throw .unavailable("this machine: \(reason)")
    }
    return machine
  }

  static let syntheticExample = "'pack:2 [numa] core:8 pu:2'"

  /// Whether binding to it has an effect: false for synthetic machines.
  var isThisMachine: Bool { hwloc_topology_is_thissystem(raw) != 0 }

  /// All objects of a type in logical order: neighbours in the machine are neighbours here.
  func objects(_ type: hwloc_obj_type_t) -> [hwloc_obj_t] {
    let count = max(0, hwloc_get_nbobjs_by_type(raw, type))
    return (0..<count).compactMap { hwloc_get_obj_by_type(raw, type, UInt32($0)) }
  }

  /// The logical index of the object of a type around another one; nil when there is none.
  func index(of type: hwloc_obj_type_t, around object: hwloc_obj_t) -> Int? {
    hwloc_get_ancestor_obj_by_type(raw, type, object).map { Int($0.pointee.logical_index) }
  }
}

/// A hwloc bitmap; freed with its last reference.
final class HwlocBitmap {
  let raw: hwloc_bitmap_t

  init(_ members: [Int] = []) {
    guard let raw = hwloc_bitmap_alloc() else { preconditionFailure("out of memory") }
    self.raw = raw
    for member in members { hwloc_bitmap_set(raw, UInt32(member)) }
  }

  deinit { hwloc_bitmap_free(raw) }

  var members: [Int] { hwlocMembers(raw) }
}

/// The members of a bitmap in ascending order; none of an infinite one.
func hwlocMembers(_ bitmap: hwloc_const_bitmap_t?) -> [Int] {
  guard let bitmap, hwloc_bitmap_weight(bitmap) > 0 else { return [] }
  var members: [Int] = []
  var next = hwloc_bitmap_first(bitmap)
  while next >= 0 {
    members.append(Int(next))
    next = hwloc_bitmap_next(bitmap, next)
  }
  return members
}

/// The system's words for an error number.
func errorText(_ code: Int32) -> String {
  strerror(code).map { String(cString: $0) } ?? "error \(code)"
}
