import Foundation
import Testing

@Suite struct PlansCommandTests {
  @Test func `Named plans are compared in their order, as CSV too`() async throws {
    let outcome = try await Binary.run([
      "plans", "--topology", "pod64", "--plan", "tp16,dp4", "--plan",
      "tp8,dp8,mb2,recompute=none,what-if=fused-all-reduce", "--csv",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("TP,DP,micro,GA,recompute,what-ifs,step s"))
    #expect(lines[1].hasPrefix("16,4,1,32,full,,"))
    #expect(lines[2].hasPrefix("8,8,2,8,none,fused-all-reduce,"))
  }

  @Test(arguments: [
    (["--plan", "tp16,dp4,recompte=none"], "did you mean 'recompute='?"),
    (["--plan", "tp16,dp4,recompute=nine"], "did you mean 'none'?"),
    (["--plan", "tp16,dpx"], "'dpx' is none of tp<n>, dp<n>"),
    (["--plan", "tp5,dp1"], "tensor_parallel 5 does not divide the 16 attention heads"),
    (["--plan", "tp16,dp4", "--search"], "--plan names the plans"),
    (["--csv", "--json"], "--csv and --json"),
    (["--measure", "0"], "--measure is 0, expected at least 1"),
  ])
  func `A wrong plan or flag is said by name`(flags: [String], message: String) async throws {
    let outcome = try await Binary.run(["plans", "--topology", "pod64"] + flags)
    #expect(outcome.exitCode == 64)
    #expect(outcome.error.contains(message), "\(outcome.error)")
  }

  @Test func `A search is better than the plain comparison, and really trained plans count right`()
    async throws
  {
    let arguments = ["plans", "--topology", "pod16", "--top", "1", "--json"]
    let plain = try await Binary.run(arguments)
    let search = try await Binary.run(arguments + ["--search", "--measure", "1", "--sensitivity"])
    let one = try JSONDecoder.snakeCase.decode(Answer.self, from: Data(plain.output.utf8))
    let other = try JSONDecoder.snakeCase.decode(Answer.self, from: Data(search.output.utf8))
    #expect(other.plans[0].stepSeconds < one.plans[0].stepSeconds)
    #expect(other.legalPlans > one.legalPlans)
    let measured = try #require(other.measured?.first)
    #expect(measured.countsAgree && measured.losses.count == 3)
    #expect(other.sensitivity?.count == 6)
  }

  private struct Answer: Decodable {
    let plans: [Entry]
    let legalPlans: Int
    let measured: [Measured]?
    let sensitivity: [Change]?

    struct Entry: Decodable { let stepSeconds: Double }
    struct Measured: Decodable {
      let countsAgree: Bool
      let losses: [Double]
    }
    struct Change: Decodable { let figure: String }
  }
}
