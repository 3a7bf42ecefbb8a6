import Foundation
import Testing

/// Many ranks on few cores; serialised, since the runs would share the cores.
@Suite(.serialized) struct OversubscriptionTests {
  @Test(arguments: [("pod16", 16), ("pod64", 64)], [false, true])
  func `Emulated IPUs on few cores, or on one, finish and do not spin`(
    pod: (name: String, ranks: Int), onOneCore: Bool
  ) async throws {
    let command = "gptj-bench --topology \(pod.name) --json --seconds 0 --real-steps 3"
    let unit = try Self.firstAllowedUnit()
    let outcome = try await Binary.shell(onOneCore ? "taskset -c \(unit) \(command)" : command)
    try #require(outcome.exitCode == 0, "\(outcome.error)")
    let report = try Report(outcome.output)
    let (measured, host) = (try #require(report.measured), try #require(report.host))
    #expect(measured.ranks == pod.ranks)
    #expect(measured.cpuShareOutsideOperations < 0.10)
    if onOneCore {
      #expect(measured.workers == 1)
      #expect(host.processingUnits == [unit] && host.allowedCores == 1)
    } else {
      #expect(measured.workers == min(host.allowedCores, pod.ranks))
    }
  }

  /// Processing unit 0 may not be ours.
  private static func firstAllowedUnit() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let list = try #require(status.firstMatch(of: /Cpus_allowed_list:\s*(\d+)/))
    return try #require(Int(list.1))
  }
}
