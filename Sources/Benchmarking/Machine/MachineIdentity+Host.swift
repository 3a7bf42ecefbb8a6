import Glibc
import Kernels
package import Regression

extension MachineIdentity {
  /// The machine that this process runs on; what the system does not tell is `unknown`, 0 or nil.
  package static func ofThisHost() -> MachineIdentity { MachineIdentity(SystemFiles()) }

  init(_ files: SystemFiles) {
    let nodes = (0..<1024).filter {
      files.text("/sys/devices/system/node/node\($0)/cpulist") != nil
    }
    let total = files.values(of: "MemTotal", in: "/proc/meminfo").first
    self.init(
      cpu: Self.cpuModel(files), instructionSet: "\(InstructionSet.current)",
      cpus: files.root.isEmpty ? AllowedCPUs.count : AllowedCPUs.limited(1 << 20, by: files),
      cacheBytes: Self.caches(files), numaNodes: max(1, nodes.count),
      memoryBytes: total.flatMap { Self.bytes($0.replacing(" kB", with: "K")) } ?? 0,
      kernel: files.text("/proc/sys/kernel/osrelease") ?? "unknown",
      governor: files.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
      loadAverage: files.text("/proc/loadavg")?.split(separator: " ").first
        .flatMap { Double($0) } ?? 0)
  }

  /// The name on x86; elsewhere the numbers that the kernel gives in its place.
  private static func cpuModel(_ files: SystemFiles) -> String {
    let file = "/proc/cpuinfo"
    if let name = files.values(of: "model name", in: file).first { return name }
    let numbers = ["CPU implementer", "CPU part"].compactMap {
      files.values(of: $0, in: file).first
    }
    return numbers.isEmpty ? "unknown" : "CPU " + numbers.joined(separator: " ")
  }

  /// The caches that CPU 0 sees: `L1d`, `L1i`, `L2`, ...
  private static func caches(_ files: SystemFiles) -> [String: Int] {
    var caches: [String: Int] = [:]
    for index in 0..<16 {
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)"
      guard let level = files.text("\(folder)/level"),
        let size = files.text("\(folder)/size").flatMap(bytes)
      else { continue }
      let kind = files.text("\(folder)/type").map { ["Data": "d", "Instruction": "i"][$0] ?? "" }
      caches["L\(level)\(kind ?? "")"] = size
    }
    return caches
  }

  /// `48K` -> 49152; nil for what is no size.
  private static func bytes(_ text: String) -> Int? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let unit = text.last.flatMap { units[$0] }
    guard let count = Int(unit == nil ? text[...] : text.dropLast()), count >= 0 else { return nil }
    let (bytes, overflows) = count.multipliedReportingOverflow(by: unit ?? 1)
    return overflows ? nil : bytes
  }
}
