import Foundation
import Testing

@Suite struct WrongInputTests {
  @Test(arguments: WrongInput.all)
  func `A wrong input ends with its exit code and an error that names the place`(
    _ input: WrongInput
  ) async throws {
    let outcome = try await Binary.run(
      input.arguments, environment: input.environment, in: Folder(input.files))
    #expect(!outcome.trapped, "\(outcome.error)")
    #expect(outcome.exitCode == input.exitCode)
    #expect(outcome.output.isEmpty)
    for fragment in input.fragments { #expect(outcome.error.contains(fragment)) }
  }

  @Test func `There are at least twenty-five wrong inputs`() {
    #expect(WrongInput.all.count >= 25)
  }
}

/// Arguments that cannot be followed, and what has to be said about them.
struct WrongInput: CustomTestStringConvertible, Sendable {
  var arguments: [String]
  var environment: [String: String] = [:]
  var files: [String: Data] = [:]
  let exitCode: Int32
  let fragments: [String]

  var testDescription: String {
    (environment.map { "\($0.key)=\($0.value)" } + arguments + files.keys).joined(separator: " ")
  }

  /// Words separated by spaces.
  init(_ words: String, environment: [String: String] = [:], _ exitCode: Int32, _ say: String...) {
    arguments = words.split(separator: " ").map(String.init)
    self.environment = environment
    self.exitCode = exitCode
    fragments = say
  }

  /// A topology file, as `pod.yml`.
  init(pod: String, _ say: String...) {
    arguments = ["topology", "check", "pod.yml"]
    files = ["pod.yml": Data(pod.utf8)]
    exitCode = 65
    fragments = say
  }

  /// A configuration file, as `my.yml`.
  init(configuration: String, _ say: String...) {
    arguments = ["estimate", "--config", "my.yml"]
    files = ["my.yml": Data(configuration.utf8)]
    exitCode = 65
    fragments = say
  }

  static let all = usage + names + topologyFiles + configurations + plans + hosts

  static let usage = [
    WrongInput("--topolgy pod16", 64, "Unknown option '--topolgy'", "'--topology'?"),
    WrongInput("estimat", 64, "Unknown subcommand 'estimat'", "'estimate'?"),
    WrongInput("topology lst", 64, "Unknown subcommand 'lst'", "'list'?"),
    WrongInput("estimate pod16", 64, "Unexpected argument 'pod16'"),
    WrongInput("estimate --seq", 64, "--seq"),
    WrongInput("estimate --seq long", 64, "'long'", "--seq", "an integer"),
    WrongInput("estimate --seq 1000000000000000000000000000000", 64, "--seq", "64 bits"),
    WrongInput("estimate --seq 512,,1024", 64, "--seq"),
    WrongInput("topology show", 64, "Missing argument '<name>'"),
    WrongInput("--seconds nan", 64, "--seconds", "finite"),
    WrongInput("--seconds inf", 64, "--seconds", "finite"),
    WrongInput("--seconds -1", 64, "--seconds is -1.0", "from 0 to 86400"),
    WrongInput("--real-steps 1", 64, "--real-steps is 1", "at least 2"),
    WrongInput("plans --top 0", 64, "--top is 0", "at least 1"),
    WrongInput("finetune --answers -1", 64, "--answers is -1"),
  ]

  static let names = [
    WrongInput("--topology pod17", 64, "'pod17'", "pod4", "did you mean 'pod16'?"),
    WrongInput("estimate --topology pod16,pod65", 64, "'pod65'", "did you mean 'pod64'?"),
    WrongInput("--topology missing.yml", 66, "missing.yml", "No such file"),
    WrongInput("--topology /", 66, "/: cannot read it"),
    WrongInput("--config gptj_6B_1024_pod1", 64, "--config", "'gptj_6B_1024_pod16'?"),
    WrongInput("--config missing.yml", 66, "missing.yml", "No such file"),
    WrongInput(
      "estimate", environment: ["GPTJ_BENCH_MODEL_LAYER": "2"], 64, "GPTJ_BENCH_MODEL_LAYER:",
      "'GPTJ_BENCH_MODEL_LAYERS'?"),
    WrongInput(
      "estimate", environment: ["GPTJ_BENCH_MODEL_LAYERS": "two"], 64, "GPTJ_BENCH_MODEL_LAYERS",
      "an integer from 1 to 10000"),
  ]

  static let plans = [
    WrongInput("estimate --seq 1023", 64, "--seq", "attention_serialisation 2", "1022 or 1024"),
    WrongInput("estimate --seq 0", 64, "--seq", "from 1 to 1048576"),
    WrongInput("estimate --seq -1", 64, "--seq", "'-1'", "from 1 to 1048576"),
    WrongInput("estimate --gbs 127 --tp 4 --dp 4", 64, "--gbs", "4 x 1", "124 or 128"),
    WrongInput(
      "estimate --topology pod64 --gbs 127", 64, "127", "data_parallel 4", "124 and 128"),
    WrongInput("estimate --tp 3", 64, "tensor_parallel 3", "16 attention heads", "1, 2, 4, 8, 16"),
    WrongInput("estimate --tp 32", 64, "tensor_parallel 32", "16 attention heads"),
    WrongInput("estimate --dp 5", 64, "--dp", "5 x 1", "125 or 130"),
    WrongInput("estimate --tp 16 --dp 4", 64, "64 IPUs", "pod16 has 16"),
    WrongInput("estimate --dp 65536 --tp 65536 --gbs 65536", 64, "tensor_parallel 65536"),
    WrongInput("estimate --steps 0", 64, "--steps", "from 1 to 1000000000"),
    WrongInput("estimate --micro-batch 0", 64, "--micro-batch", "from 1 to"),
  ]

  static let hosts = [
    WrongInput("--workers 0", 64, "0 workers", "expected from 1 to"),
    WrongInput("--workers 1000000000", 64, "1000000000 workers", "expected from 1 to"),
    WrongInput("--placement explicit:9999", 64, "9999", "does not exist"),
    WrongInput("--placement explicit", 64, "'explicit'", "explicit:0-3,8"),
    WrongInput("--placement scater", 64, "'scater'", "did you mean 'scatter'?"),
    WrongInput("topology place --ranks 0", 64, "0 ranks"),
    WrongInput("topology place --tp 3", 64, "16 ranks", "groups of 3"),
    WrongInput("topology place --host nonsense", 64, "'nonsense'", "pack:2"),
    WrongInput("finetune --set model.hidden_size=262144 --steps 1", 69, "this machine has"),
    WrongInput("finetune --set model.embedding.vocab_size=100", 64, "vocab_size is 100", "413"),
  ]
}
