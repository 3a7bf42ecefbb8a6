import FoundationEssentials
import Glibc

/// How much memory this process may have.
enum HostMemory {
  /// The machine's, or what the process' control groups allow where that is less.
  static var bytes: Int {
    let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    return min(physical, groupLimit(root: "") ?? physical)
  }

  /// The smallest limit of the process' memory control group and those above it, in versions 1 and 2;
  /// nil where there is none.
  ///
  /// A container often sees its own group as the root, whatever path it is told: the root counts too.
  /// `root` stands before `/proc` and `/sys`.
  static func groupLimit(root: String) -> Int? {
    guard let text = contents(of: root + "/proc/self/cgroup") else { return nil }
    var limits: [Int] = []
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isVersion2 = fields[0] == "0" && fields[1].isEmpty
      guard isVersion2 || fields[1].split(separator: ",").contains("memory") else { continue }
      let folder = root + (isVersion2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory")
      let file = isVersion2 ? "memory.max" : "memory.limit_in_bytes"
      var path = fields[2].split(separator: "/")
      while true {
        let group = ([folder] + path.map(String.init) + [file]).joined(separator: "/")
        // "max" in version 2 is no number; version 1 says nearly 2^63 for no limit.
        if let limit = contents(of: group).flatMap({ Int($0.prefix { $0.isNumber }) }) {
          limits.append(limit)
        }
        if path.popLast() == nil { break }
      }
    }
    return limits.min()
  }

  private static func contents(of path: String) -> String? {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }
}
