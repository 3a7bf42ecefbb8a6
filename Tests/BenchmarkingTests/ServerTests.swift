import Foundation
import Regression
import Testing

@testable import Benchmarking

@Suite("A benchmark server")
struct ServerTests {
  private let server: BenchmarkServer

  private struct Broken: Error, CustomStringConvertible { let description = "it is broken" }

  init() throws {
    server = try BenchmarkServer(
      [
        Benchmark("fake/works", "nothing", .memory) {
          Workload {
          } counts: {
            [Counts.metric("flops", 7, "FLOP")]
          }
        },
        Benchmark("fake/breaks", "nothing") { throw Broken() },
      ], version: "1.2.3")
  }

  @Test("lists what there is, and on which machine")
  func listing() throws {
    guard case .listing(let listing) = try reply(.list) else { return #expect(Bool(false)) }
    #expect(listing.schemaVersion == BenchmarkResult.schemaVersion)
    #expect(listing.tool.version == "1.2.3")
    #expect(listing.tool.libraries["oneDNN"]?.contains(".") == true)
    #expect(listing.machine.cpus > 0)
    #expect(
      listing.benchmarks.first
        == .init(
          name: "fake/works", suite: "fake", plan: "nothing", calibrator: .memory, waits: false,
          isGate: false))
  }

  @Test("prepares, counts, runs and releases")
  func life() throws {
    guard
      case .prepared(let prepared) = try reply(.prepare(benchmark: "fake/works", counting: true))
    else {
      return #expect(Bool(false))
    }
    #expect(prepared.counts.first?.samples == [7])
    guard case .measured(let time, _) = try reply(.run(benchmark: "fake/works", iterations: 3))
    else { return #expect(Bool(false)) }
    #expect(time >= 0)
    #expect(try reply(.release(benchmark: "fake/works")) == .released)
    #expect(
      try reply(.run(benchmark: "fake/works", iterations: 1))
        == .failed(reason: "benchmark fake/works was not prepared"))
  }

  @Test("runs fixed work to calibrate", arguments: [Calibrator.compute, .memory])
  func calibrates(calibrator: Calibrator) throws {
    guard case .measured(let time, let cpu) = try reply(.calibrate(calibrator)) else {
      return #expect(Bool(false))
    }
    #expect(time > 0 && cpu > 0)
  }

  @Test(
    "says why a request cannot be done, and lives on",
    arguments: [
      (#"{"prepare":{"benchmark":"fake/wroks","counting":true}}"#, "did you mean fake/works?"),
      (#"{"prepare":{"benchmark":"fake/breaks","counting":true}}"#, "it is broken"),
      (#"{"run":{"benchmark":"fake/works","iterations":0}}"#, "0 iterations"),
      (#"{"run":{"benchmark":"fake/works","iterations":2}}"#, "was not prepared"),
      (#"{"fly":{}}"#, "is no request"), ("", "is no request"), ("[", "is no request"),
    ])
  func refuses(line: String, reason: String) throws {
    let text = server.reply(to: line)
    let reply = try JSONDecoder().decode(BenchmarkReply.self, from: Data(text.utf8))
    guard case .failed(let said) = reply else { return #expect(Bool(false), "\(reply)") }
    #expect(said.contains(reason), "\(said)")
    guard case .listing = try self.reply(.list) else { return #expect(Bool(false)) }
  }

  private func reply(_ request: BenchmarkRequest) throws -> BenchmarkReply {
    let text = server.reply(to: encodedLine(request))
    #expect(!text.contains("\n"))
    return try JSONDecoder().decode(BenchmarkReply.self, from: Data(text.utf8))
  }
}
