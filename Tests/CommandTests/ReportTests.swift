import Foundation
import Testing

@Suite("Commands answer with one document, in numbers that can be checked")
struct ReportTests {
  static func isWithin(_ share: Double, _ value: Double?, _ expected: Double) -> Bool {
    guard let value else { return false }
    return abs(value - expected) <= share * expected
  }

  /// The main job, cut short.
  static let run =
    ["--topology", "pod16", "--seq", "1024", "--gbs", "128", "--json"]
    + ["--seconds", "60", "--real-steps", "3", "--no-progress"]

  @Test("The main command reports every documented key")
  func keys() throws {
    let command = try Command(Self.run)
    #expect(command.exitCode == 0, "\(command.errors)")
    #expect(command.errors.isEmpty)
    let document = try command.json()
    for key in [
      "schema_version", "plan.tensor_parallel", "plan.data_parallel", "plan.micro_batch_size",
      "plan.gradient_accumulation", "modelled.step_seconds", "modelled.step_seconds_low",
      "modelled.step_seconds_high", "modelled.compile_seconds", "modelled.load_seconds",
      "modelled.total_seconds", "modelled.cost_usd", "modelled.flops_per_ipu",
      "modelled.streaming_load_bytes_per_ipu", "modelled.streaming_store_bytes_per_ipu",
      "modelled.allreduce_bytes_per_ipu", "modelled.allgather_bytes_per_ipu",
      "modelled.sram_peak_bytes_per_ipu", "modelled.streaming_peak_bytes_per_ipu",
      "modelled.tokens_per_second", "measured.ranks", "measured.workers", "measured.step_seconds",
      "measured.tokens_per_second", "measured.compute_seconds", "measured.collective_seconds",
      "measured.wait_seconds", "measured.modelled_pod_step_seconds", "host.allowed_cores",
    ] {
      #expect(document[key].number != nil, "\(key)")
    }
    #expect(document["topology"].text == "pod16")
    #expect(document["modelled.fits"].flag == true)
    #expect(document["measured.losses"].list?.count == 3)
    #expect(document["measured.ranks"].number == 16)
    let phases = try #require(document["modelled.phases"].list)
    let sum = phases.reduce(0) { $0 + ($1["seconds"].number ?? .nan) }
    #expect(Self.isWithin(1e-9, sum, document["modelled.step_seconds"].number ?? 0))
    #expect(phases.allSatisfy { $0["name"].text != nil })
  }

  @Test("The modelled pod16 agrees with what the notebook and the reference publish")
  func published() throws {
    let modelled = try Command(["estimate", "--json"]).json()["modelled"]
    let step = try #require(modelled["step_seconds"].number)
    #expect(step > 20 * 0.97 && step < 22 * 1.03)
    #expect(Self.isWithin(0.03, modelled["compile_seconds"].number, 600))
    #expect(Self.isWithin(0.03, modelled["load_seconds"].number, 480))
    #expect(Self.isWithin(0.03, modelled["total_seconds"].number, 10_020))
    #expect(Self.isWithin(0.03, modelled["cost_usd"].number, 74))
    #expect(Self.isWithin(0.01, modelled["flops_per_ipu"].number, 395e12))
    #expect(Self.isWithin(0.01, modelled["streaming_load_bytes_per_ipu"].number, 11.75e9))
    #expect(Self.isWithin(0.01, modelled["streaming_store_bytes_per_ipu"].number, 8.43e9))
    #expect(Self.isWithin(0.01, modelled["allreduce_bytes_per_ipu"].number, 122.4e9))
    let all = try Command(
      ["estimate", "--json", "--set", "execution.recompute_closing_collectives=true"]
    ).json()
    #expect(Self.isWithin(0.01, all["modelled.allreduce_bytes_per_ipu"].number, 182.5e9))
  }

  @Test("A Pod64 gets TP 16 x DP 4")
  func pod64() throws {
    let plan = try Command(["estimate", "--topology", "pod64", "--json"]).json()["plan"]
    #expect(plan["tensor_parallel"].number == 16)
    #expect(plan["data_parallel"].number == 4)
    #expect(plan["gradient_accumulation"].number == 32)
  }

  @Test("A plan that does not fit is an answer, and only an error where it is asked to be")
  func doesNotFit() throws {
    let arguments = ["estimate", "--topology", "pod4", "--json"]
    let command = try Command(arguments)
    #expect(command.exitCode == 0)
    let modelled = try command.json()["modelled"]
    #expect(modelled["fits"].flag == false)
    let reason = try #require(modelled["reasons"].list?.first?.text)
    #expect(reason.contains("streaming memory") && reason.contains("too many"))
    #expect(modelled["remedies"].list?.isEmpty == false)
    #expect(try Command(arguments + ["--require-fit"]).exitCode == 1)
  }

  @Test("Lists give a row for each combination")
  func table() throws {
    let arguments = [
      "estimate", "--topology", "pod16,pod64", "--seq", "512,1024,2048", "--gbs", "64,128",
    ]
    let text = try Command(arguments)
    #expect(text.exitCode == 0, "\(text.errors)")
    #expect(text.output.split(separator: "\n").count == 2 + 12)
    let list = try Command(arguments + ["--json"]).json()["estimates"].list
    #expect(list?.count == 12)
  }

  @Test("What --print-config prints is read back to the same configuration")
  func printConfig() throws {
    let folder = try TemporaryFolder()
    let first = try Command(["estimate", "--print-config", "--set", "model.layers=3"])
    #expect(first.output.contains("layers: 3"))
    try folder.write("mine.yml", first.output)
    let second = try Command(
      ["estimate", "--print-config", "--config", "mine.yml"], in: folder.url)
    #expect(second.output == first.output)
    #expect(second.exitCode == 0)
  }

  @Test("A flag wins over the environment, the environment over the file")
  func precedence() throws {
    let folder = try TemporaryFolder()
    try folder.write("mine.yml", "model:\n  layers: 3\n  sequence_length: 64\n")
    func layers(_ arguments: [String], _ environment: [String: String]) throws -> String {
      let printed = try Command(
        ["estimate", "--print-config", "--config", "mine.yml", "--tp", "1"] + arguments,
        environment: environment, in: folder.url)
      #expect(printed.exitCode == 0, "\(printed.errors)")
      return printed.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .first { $0.hasPrefix("layers:") } ?? ""
    }
    let variable = ["GPTJ_BENCH_MODEL_LAYERS": "5"]
    #expect(try layers([], [:]) == "layers: 3")
    #expect(try layers([], variable) == "layers: 5")
    #expect(try layers(["--set", "model.layers=7"], variable) == "layers: 7")
  }

  @Test("Ranks outnumber cores without spinning", arguments: ["pod16", "pod64"], [true, false])
  func oversubscribed(topology: String, isOneCore: Bool) throws {
    let command = try Command(
      ["run", "--topology", topology, "--json", "--seconds", "0", "--real-steps", "8"],
      through: isOneCore ? ["taskset", "-c", "0"] : [])
    let measured = try command.json()["measured"]
    #expect(measured["ranks"].number == (topology == "pod16" ? 16 : 64))
    if isOneCore { #expect(measured["workers"].number == 1) }
    // CPU time, not wall-clock time; the figure itself is in the README.
    #expect((measured["cpu_share_outside_operations"].number ?? 1) < 0.1)
  }

  @Test("A reader that goes away ends the command without a trap")
  func closedPipe() throws {
    let command = try Command([], through: ["sh", "-c", "\"$0\" topology show pod16 | head -n 1"])
    #expect(command.output.hasPrefix("pod16"))
    #expect(!command.wasKilled)
  }
}
