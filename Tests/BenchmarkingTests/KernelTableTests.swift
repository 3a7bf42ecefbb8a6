import Foundation
import Kernels
import Testing

@testable import Benchmarking

@Suite("The table of kernels")
struct KernelTableTests {
  @Test("has nothing but right kernels", arguments: KernelRow.all)
  func isRight(row: KernelRow) {
    let check = row.check()
    #expect(check.isRight, "\(check)")
    #expect((check.gradientError != nil) == row.name.hasSuffix("gradient"))
    #expect(check.reference == (row.engine == .own ? .portable : .double))
  }

  @Test("has a kernel once in each format and engine")
  func namesDiffer() {
    let rows = KernelRow.all
    #expect(Set(rows.map { "\($0.name) \($0.format) \($0.engine)" }).count == rows.count)
    #expect(rows.count >= 40)
  }

  @Test(
    "finds a path that computes something else",
    .enabled(if: InstructionSet.current != .portable, "there is only the portable path"))
  func wrongPath() {
    let row = planted {
      var call = KernelCall.gelu(.forward, count: 37)
      let results = call.results
      let factor: Float = InstructionSet.current == .portable ? 1 : 1.0001
      call.results = { results().map { $0.map { $0 * factor } } }
      return call
    }
    let check = row.check()
    #expect(!check.isRight)
    #expect(check.error > 5e-5 && check.error < 2e-4)
  }

  @Test("finds a gradient of another function")
  func wrongGradient() {
    let row = planted {
      var call = KernelCall.gelu(.backward, count: 37)
      let gradient = call.gradient
      call.gradient = gradient.map { gradient in
        .init(
          point: gradient.point, function: { 1.001 * gradient.function($0) },
          values: gradient.values)
      }
      return call
    }
    let check = row.check()
    #expect(check.error <= check.tolerance)
    #expect(!check.isRight)
  }

  @Test("takes what is not a number for wrong")
  func notANumber() {
    #expect(largestError([.nan, 1], [0, 1]) == .infinity)
    #expect(largestError([1], [1, 1]) == .infinity)
    #expect(largestError([1, 3], [1, 4]) == 0.25)
  }

  @Test("counts the work that it times")
  func speed() throws {
    let row = try #require(KernelRow.all.first { $0.name == "few_rows" })
    let speed = row.speed(KernelPeaks(seconds: 0.001), seconds: 0.001)
    let flops = speed.rate * speed.secondsPerCall
    #expect(abs(flops - 2 * 8 * 4096 * 512) < 1)
    #expect(speed.shareOfPeak > 0)
  }

  private func planted(_ call: @escaping @Sendable () -> KernelCall) -> KernelRow {
    KernelRow("planted", "37", .float32, .bytes(.writing), small: call, large: call)
  }
}

@Suite("gptj-bench kernels")
struct KernelsCommandTests {
  private struct Document: Decodable {
    struct Kernel: Decodable {
      let name, path, reference: String
      let is_right: Bool
      let share_of_peak, gradient_error: Double?
    }
    let schema_version: Int
    let kernels: [Kernel]
  }

  @Test("checks those whose names have the text")
  func checks() throws {
    let outcome = try run(["kernels", "--filter", "gelu", "--check", "--json", "--no-progress"])
    #expect(outcome.code == 0, "\(outcome.error)")
    let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output.utf8))
    #expect(document.kernels.map(\.name) == ["gelu", "gelu_gradient", "gelu", "gelu_gradient"])
    #expect(document.kernels.allSatisfy { $0.is_right && $0.share_of_peak == nil })
    #expect(document.kernels.allSatisfy { $0.path == "\(InstructionSet.current)" })
  }

  @Test("prints a speed for each")
  func times() throws {
    let outcome = try run(["kernels", "--filter", "few_rows", "--no-progress"])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("FLOP/s"))
    #expect(outcome.output.contains("all 1 kernels are right"))
  }

  @Test("names the nearest kernel where none has the text")
  func unknown() throws {
    let outcome = try run(["kernels", "--filter", "gellu"])
    #expect(outcome.code == 64)
    #expect(outcome.error.contains("did you mean gelu?"))
  }
}
