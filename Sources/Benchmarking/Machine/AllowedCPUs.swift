import CProcess
import Glibc

/// Logical CPUs that this process may use.
enum AllowedCPUs {
  static let count = limited(affinity, by: SystemFiles())

  /// The affinity mask's.
  private static var affinity: Int {
    let count = Int(pc_affinity_count())
    return count > 0 ? count : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// No more than a container's quota of CPU time is worth, rounded up (version 2 and 1).
  static func limited(_ cpus: Int, by files: SystemFiles) -> Int {
    let version1 = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map {
      files.text("/sys/fs/cgroup/cpu/\($0)") ?? "max"
    }
    let text = files.text("/sys/fs/cgroup/cpu.max") ?? version1.joined(separator: " ")
    let numbers = text.split(separator: " ").map { Double($0) ?? -1 }
    guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return cpus }
    return min(cpus, max(1, Int((min(numbers[0] / numbers[1], 1e6)).rounded(.up))))
  }
}
