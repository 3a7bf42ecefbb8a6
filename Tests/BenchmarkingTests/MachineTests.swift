import Regression
import Testing

@testable import Benchmarking

@Suite("A machine's identity")
struct MachineTests {
  @Test("is read from the kernel's files")
  func reads() throws {
    let cache = "sys/devices/system/cpu/cpu0/cache"
    let folder = try Folder([
      "proc/cpuinfo": "processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz \nprocessor\t: 1\n",
      "proc/meminfo": "MemTotal:       16384 kB\nMemFree:  1 kB\n",
      "proc/sys/kernel/osrelease": "6.1.0-1\n", "proc/loadavg": "1.25 0.5 0.1 1/99 7\n",
      "\(cache)/index0/level": "1\n", "\(cache)/index0/type": "Data\n",
      "\(cache)/index0/size": "48K\n",
      "\(cache)/index1/level": "1\n", "\(cache)/index1/type": "Instruction\n",
      "\(cache)/index1/size": "32K\n",
      "\(cache)/index2/level": "3\n", "\(cache)/index2/type": "Unified\n",
      "\(cache)/index2/size": "32M\n",
      "sys/devices/system/node/node0/cpulist": "0-1\n",
      "sys/devices/system/node/node1/cpulist": "2-3\n",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
      "sys/fs/cgroup/cpu.max": "150000 100000\n",
    ])
    let machine = MachineIdentity(SystemFiles(root: folder.url.path))
    #expect(machine.cpu == "Some CPU @ 3.0GHz")
    #expect(machine.memoryBytes == 16 << 20)
    #expect(machine.kernel == "6.1.0-1")
    #expect(machine.loadAverage == 1.25)
    #expect(machine.cacheBytes == ["L1d": 48 << 10, "L1i": 32 << 10, "L3": 32 << 20])
    #expect(machine.numaNodes == 2)
    #expect(machine.governor == "performance")
    #expect(machine.cpus == 2)
  }

  @Test("is there where the kernel tells nothing")
  func absent() throws {
    let folder = try Folder()
    let machine = MachineIdentity(SystemFiles(root: folder.url.path))
    #expect(machine.cpu == "unknown")
    #expect(machine.governor == nil)
    #expect(machine.cacheBytes.isEmpty)
    #expect(machine.numaNodes == 1)
    #expect(machine.memoryBytes == 0)
  }

  @Test(
    "survives nonsense",
    arguments: ["", "\n", "99999999999999999999K", "9223372036854775807 kB", "-1M", "x", "max 0"])
  func nonsense(text: String) throws {
    let cache = "sys/devices/system/cpu/cpu0/cache/index0"
    let folder = try Folder([
      "proc/cpuinfo": text, "proc/meminfo": "MemTotal: \(text)", "proc/loadavg": text,
      "\(cache)/level": "1", "\(cache)/size": text, "sys/fs/cgroup/cpu.max": text,
    ])
    let machine = MachineIdentity(SystemFiles(root: folder.url.path))
    #expect(machine.memoryBytes >= 0)
    #expect(machine.cpus > 0)
  }

  @Test("of an ARM machine has numbers for a name")
  func arm() throws {
    let folder = try Folder([
      "proc/cpuinfo": "processor : 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"
    ])
    #expect(MachineIdentity(SystemFiles(root: folder.url.path)).cpu == "CPU 0x41 0xd40")
  }

  @Test("is the same twice, but for the load")
  func stable() {
    var (one, other) = (MachineIdentity.ofThisHost(), MachineIdentity.ofThisHost())
    one.loadAverage = 0
    other.loadAverage = 0
    #expect(one == other)
    #expect(one.memoryBytes > 0)
  }
}
