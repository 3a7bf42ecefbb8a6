package import Program

/// What one run of a Program cost this host, and what the kernels and collectives counted.
package struct StepMeasurement: Sendable {
  /// Wall-clock time of the whole run.
  package let seconds: Double
  /// CPU time of the whole process while it ran.
  package let cpuSeconds: Double
  /// The part of it that workers spent inside operations: neither at barriers nor elsewhere.
  package let operationCPUSeconds: Double
  /// CPU time of the slowest worker between each two points where all wait, added up: what the run
  /// takes at least, whatever else this host does.
  package let criticalCPUSeconds: Double
  /// How often all workers wait for each other; 0 for one worker.
  package let waits: Int
  /// CPU time of all workers by the name of the operation; empty unless the emulator times kinds.
  package let secondsByKind: [String: Double]
  package let workers: Int
  package let phases: [Phase]
  package let ranks: [Rank]
  /// Nil where all of streaming memory is in memory.
  package let disk: Disk?

  /// What a run moved between the file of streaming memory and the host's memory.
  package struct Disk: Sendable {
    package let readBytes: Int
    package let writtenBytes: Int
    /// Of streaming memory, at a time.
    package let mostResidentBytes: Int
  }

  /// One phase, summed over its repetitions.
  package struct Phase: Sendable {
    package let name: String
    /// Busy time, summed over workers.
    package let computeSeconds: Double
    package let collectiveSeconds: Double
    /// Time at barriers, summed over workers.
    package let waitSeconds: Double
    /// Time in which streaming memory was not yet read from its file, summed over workers.
    package let diskSeconds: Double
    /// Counted where it was executed, summed over ranks.
    package let executed: Work
    /// Stated by the Program and knowingly not executed, summed over ranks.
    package let skipped: Work

    /// Wall-clock time of a worker, the mean of all: phases add up to the run.
    package func seconds(workers: Int) -> Double {
      (computeSeconds + collectiveSeconds + waitSeconds + diskSeconds) / Double(max(1, workers))
    }
  }

  /// One emulated IPU; the three times of all ranks add up to workers x wall-clock time.
  package struct Rank: Sendable {
    package let computeSeconds: Double
    package let collectiveSeconds: Double
    /// Its share of the time that its worker stood at barriers, or waited for the disk.
    package let waitSeconds: Double
  }

  package var computeSeconds: Double { ranks.reduce(0) { $0 + $1.computeSeconds } }
  package var collectiveSeconds: Double { ranks.reduce(0) { $0 + $1.collectiveSeconds } }
  /// Time that workers waited for the disk, as a share of all their time.
  package var diskShare: Double {
    phases.reduce(0) { $0 + $1.diskSeconds } / (seconds * Double(workers))
  }
  package var waitSeconds: Double { ranks.reduce(0) { $0 + $1.waitSeconds } }

  package var executed: Work { phases.reduce(Work()) { $0 + $1.executed } }
}
