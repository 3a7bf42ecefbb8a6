import Testing

@testable import Configuration

@Suite("Adapters in a configuration")
struct LoRAConfigurationTests {
  private func resolve(_ list: String) throws -> LoRAConfiguration {
    try ConfigurationResolver(
      "entailment", overrides: LoRAConfiguration.overrides(list)
    ).resolve(FineTuningConfiguration.self).lora
  }

  @Test("They are off unless a rank is given; the defaults are peft's")
  func defaults() throws {
    let none = try ConfigurationResolver("entailment").resolve(FineTuningConfiguration.self).lora
    #expect(none == LoRAConfiguration() && !none.isOn)
    let some = try resolve("rank=16")
    #expect(some.isOn && some.rank == 16 && some.alpha == 8 && some.targets == [.query, .value])
  }

  @Test(
    "Targets are listed with commas or plus signs, before other settings or behind them",
    arguments: [
      "rank=16,alpha=32,targets=fc_out,q_proj,seed=7",
      "targets=q_proj+fc_out,rank=16,alpha=32,seed=7",
      "alpha=32,targets=q_proj,fc_out,seed=7,rank=16",
    ])
  func lists(list: String) throws {
    let lora = try resolve(list)
    #expect(lora.rank == 16 && lora.alpha == 32 && lora.seed == 7)
    #expect(lora.targets == [.query, .feedForwardOut])
  }

  @Test("What is printed is read back")
  func printed() throws {
    var configuration = FineTuningConfiguration()
    configuration.lora.rank = 4
    configuration.lora.targets = [.key, .feedForwardIn]
    configuration.lora.frozenPrecision = .bfloat16
    let text = configuration.printYAML()
    #expect(text.contains("targets: [k_proj, fc_in]"))
    let node = try YAMLNode.parse(text: text, file: "f.yml")
    #expect(try FineTuningConfiguration.decode(node) == configuration)
  }

  @Test(
    "Mistakes name the flag, what was expected and the nearest word",
    arguments: [
      ("", ["--lora", "rank=16"]), ("q_proj", ["'q_proj' is no setting"]),
      ("rank=8,alpha", ["'alpha' is no setting"]), ("=3", ["'=3' is no setting"]),
      ("rnk=8", ["lora.rnk", "did you mean 'rank'"]),
      ("rank=8,targets=q_prj", ["--lora rank=8,targets=q_prj", "did you mean 'q_proj'"]),
      ("rank=8,targets=q_proj+q_proj", ["'q_proj' twice"]),
      ("rank=8,targets=", ["from 1 to 6"]), ("rank=8,targets=q_proj]", ["--lora"]),
      ("rank=8,targets=5", ["lora.targets is the number '5'", "q_proj, k_proj"]),
      ("rank=-1", ["from 0 to 65536"]), ("rank=1e9", ["lora.rank"]),
      ("rank=99999999999999999999", ["from 0 to 65536"]),
      ("rank=8,alpha=0", ["lora.alpha"]), ("rank=8,alpha=.inf", ["lora.alpha"]),
      ("rank=8,dropout=0.1", ["lora.dropout is 0.1", "0: adapters"]),
      ("rank=8,frozen_precision=bfloat", ["did you mean 'bfloat16'"]),
      ("rank=2000", ["lora.rank is 2000", "at most model.hidden_size, 128"]),
    ])
  func mistakes(list: String, parts: [String]) throws {
    let error = #expect(throws: ConfigurationError.self) { _ = try resolve(list) }
    let message = "\(try #require(error))"
    for part in parts { #expect(message.contains(part), "\(message)") }
    #expect(error?.exitStatus == 64)
  }
}
