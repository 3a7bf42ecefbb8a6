import Foundation
import Testing

@Suite struct TraceTests {
  private struct Timeline: Decodable {
    let traceEvents: [Event]
  }

  private struct Event: Decodable {
    let name: String
    let pid: Int
  }

  @Test func `A timeline has the modelled and the measured phases, on clocks of their own`()
    async throws
  {
    let folder = try Folder()
    let outcome = try await Binary.run(
      ["run", "--seconds", "0", "--real-steps", "2", "--trace", "steps.json"], in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.error)")
    let text = Data(try folder.reading("steps.json").utf8)
    let events = try JSONDecoder().decode(Timeline.self, from: text).traceEvents
    for process in [1, 2] {
      #expect(events.contains { $0.name == "decoder_backward" && $0.pid == process })
    }
  }

  @Test func `A timeline that cannot be written loses no result`() async throws {
    let outcome = try await Binary.run(
      ["run", "--seconds", "0", "--real-steps", "2", "--trace", "none/steps.json"])
    #expect(outcome.exitCode == 1)
    #expect(outcome.error.contains("none/steps.json"))
    #expect(outcome.output.contains("Measured"))
  }
}
