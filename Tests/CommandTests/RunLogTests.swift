import Foundation
import Testing

@Suite struct RunLogTests {
  private struct Line: Decodable {
    let step: Int, Loss, LR, Throughput, grad_norm, tokens_per_second, share_of_peak: Double
    let step_seconds, remaining_seconds: Double
    let phases: [String: Double]

    private enum Key: String, CodingKey, CaseIterable {
      case step, Loss, LR, Throughput, grad_norm, tokens_per_second, share_of_peak
      case step_seconds, remaining_seconds
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Key.self)
      func number(_ key: Key) throws -> Double { try values.decode(Double.self, forKey: key) }
      step = try values.decode(Int.self, forKey: .step)
      (Loss, LR, Throughput) = (try number(.Loss), try number(.LR), try number(.Throughput))
      (grad_norm, tokens_per_second) = (try number(.grad_norm), try number(.tokens_per_second))
      share_of_peak = try number(.share_of_peak)
      step_seconds = try number(.step_seconds)
      remaining_seconds = try number(.remaining_seconds)
      phases = try [String: Double](from: decoder).filter { $0.key.hasPrefix("phase_seconds/") }
    }
  }

  private func lines(_ folder: Folder) throws -> [Line] {
    try folder.reading("run/metrics.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  private func finetune(_ more: String, in folder: Folder) async throws {
    let words = "finetune --output run --answers 0 --set model.layers=1 --steps 6 \(more)"
    let outcome = try await Binary.run(words.split(separator: " ").map(String.init), in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.error)")
  }

  @Test func `A run that was killed goes on with its metrics, each step once`() async throws {
    let folder = try Folder()
    let dropout = "--set model.dropout_prob=0.1"
    try await finetune("--checkpoint-every 3 \(dropout)", in: folder)
    let whole = try lines(folder)
    #expect(whole.map(\.step) == Array(1...6))
    for line in whole {
      #expect(line.Throughput > 0 && line.LR > 0 && line.grad_norm > 0)
      #expect(line.tokens_per_second > line.Throughput && line.share_of_peak > 0)
      #expect(line.phases.count == 7 && line.phases["phase_seconds/head_optimizer"] != nil)
      let sum = line.phases.values.reduce(0, +)
      #expect(sum > 0 && sum < line.step_seconds * 1.01)
    }
    #expect(whole[5].remaining_seconds == 0 && whole[4].remaining_seconds > 0)
    // As if it had been killed in step 6: no checkpoint but the third step's, a torn line.
    let killed = try await Binary.shell(
      "rm -r run/checkpoint-6 && printf '{\"step\":6,\"Lo' >> run/metrics.jsonl", in: folder)
    #expect(killed.exitCode == 0)
    try await finetune("--resume --checkpoint-every 3 \(dropout)", in: folder)
    let resumed = try lines(folder)
    #expect(resumed.map(\.step) == Array(1...6))
    #expect(resumed.map(\.Loss) == whole.map(\.Loss))
    #expect(resumed.prefix(3).map(\.step_seconds) == whole.prefix(3).map(\.step_seconds))
    #expect(resumed[3].step_seconds != whole[3].step_seconds)
    let events = try await Binary.shell("ls run | grep -c events.out.tfevents", in: folder)
    #expect(events.output == "2\n")
  }
}
