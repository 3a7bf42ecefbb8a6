import Testing

@Suite struct ModelCommandTests {
  @Test(arguments: [
    ["run", "--model", "gpt2"], ["finetune", "--model", "flan-t5-xl"],
    ["plans", "--model", "llama2-7b"],
  ])
  func `What runs a model refuses all but GPT-J`(_ arguments: [String]) async throws {
    let outcome = try await Binary.run(arguments)
    #expect(outcome.exitCode == 64)
    #expect(outcome.error.contains("only GPT-J also runs"))
    #expect(outcome.output.isEmpty)
  }

  @Test func `Another model is timed, and says that it does not run`() async throws {
    let arguments = ["estimate", "--model", "flan-t5-xl", "--topology", "pod16", "--tp", "4"]
    let text = try await Binary.run(arguments)
    try #require(text.exitCode == 0, "\(text.error)")
    #expect(text.output.contains("only GPT-J also runs"))
    #expect(text.output.contains("TP 4 x DP 4"))
    let json = try await Binary.run(arguments + ["--json"])
    #expect(json.output.contains("\"runs\" : false"))
    for key in ["step_seconds", "samples_per_second", "held_parameters", "compile_seconds"] {
      #expect(json.output.contains("\"\(key)\""), "\(key)")
    }
  }

  @Test(arguments: [
    (["--model", "gpt2-xl", "--tp", "2"], "does not divide the 25 attention heads", Int32(64)),
    (["--model", "gpt22"], "did you mean 'gpt2'?", 64),
    (["--model", "gpt2", "--plan", "pipelin"], "no such plan", 64),
    (["--model", "missing.yml"], "missing.yml", 66),
    (["--model", "gpt2", "--set", "a=b"], "are for GPT-J", 64),
    (["--model", "bert-large", "--plan", "mlperf_pod256", "--topology", "pod4"], "IPUs", 64),
  ])
  func `A model or plan that cannot be is refused with the reason`(
    _ arguments: [String], _ reason: String, _ code: Int32
  ) async throws {
    let outcome = try await Binary.run(["estimate"] + arguments)
    #expect(outcome.exitCode == code)
    #expect(outcome.error.contains(reason), "\(outcome.error)")
  }

  @Test func `All models are listed with the sources of their plans`() async throws {
    let outcome = try await Binary.run(["estimate", "--list-models"])
    #expect(outcome.exitCode == 0)
    for name in ["gpt-j", "gpt3-175b", "llama2-70b", "flan-t5-xxl", "bert-large"] {
      #expect(outcome.output.contains(name), "\(name)")
    }
    #expect(outcome.output.contains("nlp/t5/popxl"))
  }
}
