import Foundation
import Testing

@Suite struct TopologyCommandTests {
  private static let builtIn = ["pod4", "pod16-classic", "pod16", "pod64"]

  @Test func `The list has every built-in pod`() async throws {
    let output = try await Binary.run(["topology"]).output
    for name in Self.builtIn { #expect(output.contains("\n\(name) ")) }
    #expect(output.contains("1.85 GHz"))
  }

  @Test(arguments: builtIn)
  func `A built-in pod is shown with sources, and its file checks out`(name: String) async throws {
    let shown = try await Binary.run(["topology", "show", name]).output
    #expect(shown.contains("pod.price") && shown.contains("USD/h"))
    #expect(shown.contains("Bow") || shown.contains("GC200"))
    let json = try await Binary.run(["topology", "show", name, "--json"]).output
    let pod = try JSONDecoder().decode(Pod.self, from: Data(json.utf8))
    #expect(pod.name == name && pod.figures.allSatisfy { !$0.source.isEmpty })
    let file = Repository.root.appendingPathComponent("topologies/\(name).yml").path
    let check = try await Binary.run(["topology", "check", file])
    #expect(check.exitCode == 0)
    #expect(check.output.contains("\(pod.figures.count) figures"))
    let estimates = try await [file, name].asyncMap {
      try await Binary.run(["estimate", "--json", "--topology", $0]).output
    }
    #expect(estimates[0] == estimates[1])
  }

  private struct Pod: Decodable {
    let name: String
    let figures: [Figure]
    struct Figure: Decodable { let path, value, unit, source: String }
  }

  @Test func `Ranks are placed on a synthetic host, groups together`() async throws {
    let outcome = try await Binary.run([
      "topology", "place", "--ranks", "64", "--tp", "16", "--host", "pack:2 [numa] core:8 pu:2",
      "--json",
    ])
    let workers = try JSONDecoder.snakeCase.decode(
      Placed.self, from: Data(outcome.output.utf8)
    ).workers
    #expect(workers.count == 16)
    #expect(workers.map(\.firstRank) == (0..<16).map { $0 * 4 })
    #expect(workers.allSatisfy { $0.lastRank == $0.firstRank + 3 })
    // Groups of 16 ranks are four workers; two groups fill a node.
    #expect(workers.map(\.numaNode) == (0..<16).map { $0 / 8 })
    #expect(Set(workers.map(\.core)).count == 16)
    let here = try await Binary.run(["topology", "place", "--ranks", "16"])
    #expect(here.exitCode == 0 && here.output.contains("NUMA node"))
  }

  private struct Placed: Decodable {
    let workers: [Worker]
    struct Worker: Decodable { let firstRank, lastRank, core, numaNode: Int }
  }

  @Test func `Plans are ranked, limited to those that are asked for`() async throws {
    let outcome = try await Binary.run(["plans", "--topology", "pod64", "--top", "5", "--json"])
    let plans = try JSONDecoder.snakeCase.decode(Plans.self, from: Data(outcome.output.utf8))
    #expect(plans.plans.count == 5 && plans.legalPlans > 5)
    let seconds = plans.plans.map(\.stepSeconds)
    #expect(seconds == seconds.sorted() && plans.plans.allSatisfy(\.fits))
    let only = try await Binary.run(["plans", "--tp", "8", "--dp", "2", "--json"])
    let limited = try JSONDecoder.snakeCase.decode(Plans.self, from: Data(only.output.utf8))
    #expect(!limited.plans.isEmpty)
    #expect(limited.plans.allSatisfy { $0.plan.tensorParallel == 8 && $0.plan.dataParallel == 2 })
    let text = try await Binary.run(["plans", "--topology", "pod4"]).output
    #expect(text.contains("SRAM: 446 MB over, streaming memory: 1.62 GB over"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 140 })
  }

  private struct Plans: Decodable {
    let plans: [Entry]
    let legalPlans: Int
    struct Entry: Decodable {
      let plan: Report.Plan
      let stepSeconds: Double
      let fits: Bool
    }
  }
}

extension JSONDecoder {
  static var snakeCase: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }
}

extension Array {
  fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
    var results: [T] = []
    for element in self { results.append(try await transform(element)) }
    return results
  }
}
