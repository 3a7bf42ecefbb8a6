import Foundation
import Testing

/// A wrong input, the documented exit code, and what the message must name.
struct WrongInput: Sendable, CustomTestStringConvertible {
  let arguments: [String]
  let exitCode: Int32
  let names: [String]
  var environment: [String: String] = [:]
  /// Written to the working folder, by name.
  var files: [String: String] = [:]

  init(
    _ arguments: String, exits exitCode: Int32, naming names: [String],
    environment: [String: String] = [:], files: [String: String] = [:]
  ) {
    self.arguments = arguments.split(separator: " ").map(String.init)
    self.exitCode = exitCode
    self.names = names
    self.environment = environment
    self.files = files
  }

  var testDescription: String { arguments.joined(separator: " ") }
}

@Suite("Wrong inputs get the documented exit code and an error that names the place")
struct WrongInputTests {
  /// The built-in pod with one line changed.
  static func pod(_ line: String, _ replacement: String) -> [String: String] {
    let url = packageRoot.appendingPathComponent("topologies/pod16.yml")
    let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    precondition(text.contains(line), "pod16.yml has no \(line)")
    return ["pod.yml": text.replacingOccurrences(of: line, with: replacement)]
  }

  static let huge = String(repeating: "9", count: 40)

  static let usage = [
    WrongInput("--topolgy pod16", exits: 64, naming: ["--topolgy", "--topology"]),
    WrongInput("estimte", exits: 64, naming: ["estimte", "estimate"]),
    WrongInput("estimate --seq ten", exits: 64, naming: ["--seq", "ten"]),
    WrongInput("estimate --seq \(huge)", exits: 64, naming: ["--seq"]),
    WrongInput("estimate --seq", exits: 64, naming: ["--seq"]),
    WrongInput("estimate --json=yes", exits: 64, naming: ["--json"]),
    WrongInput("run extra", exits: 64, naming: ["extra"]),
    WrongInput("--seconds nan", exits: 64, naming: ["--seconds"]),
    WrongInput("--seconds -1", exits: 64, naming: ["--seconds"]),
    WrongInput("--real-steps 1", exits: 64, naming: ["--real-steps"]),
    WrongInput("--workers 0 --seconds 0", exits: 64, naming: ["0 workers"]),
    WrongInput("--workers 1000000000 --seconds 0", exits: 64, naming: ["1000000000"]),
    WrongInput("--placement explicit:4095 --seconds 0", exits: 64, naming: ["4095"]),
    WrongInput("--placement compcat --seconds 0", exits: 64, naming: ["compcat", "compact"]),
    WrongInput("topology place --host pack:x", exits: 64, naming: ["pack:x"]),
    WrongInput("topology place --ranks 0", exits: 64, naming: ["0 ranks"]),
    WrongInput("finetune --answers -1", exits: 64, naming: ["--answers"]),
    WrongInput("plans --top 0", exits: 64, naming: ["--top"]),
  ]

  static let plans = [
    WrongInput(
      "estimate --tp 3", exits: 64, naming: ["3", "16 attention heads", "1, 2, 4, 8, 16"]),
    WrongInput("estimate --tp 32", exits: 64, naming: ["32"]),
    WrongInput("estimate --tp 16 --dp 4", exits: 64, naming: ["64 IPUs", "pod16 has 16"]),
    WrongInput("estimate --topology pod64 --gbs 126", exits: 64, naming: ["126", "124", "128"]),
    WrongInput("estimate --dp 5", exits: 64, naming: ["128", "5"]),
    WrongInput("estimate --tp 0", exits: 64, naming: ["--tp"]),
    WrongInput("estimate --gbs 0", exits: 64, naming: ["--gbs"]),
    WrongInput("estimate --seq -8", exits: 64, naming: ["--seq"]),
    WrongInput("estimate --seq 1023", exits: 64, naming: ["1023"]),
    WrongInput("estimate --micro-batch 3", exits: 64, naming: ["3"]),
    WrongInput("finetune --tp 5", exits: 64, naming: ["5", "16"]),
    WrongInput(
      "finetune --set model.embedding.vocab_size=100", exits: 64, naming: ["100", "413"]),
  ]

  static let machine = [
    WrongInput(
      "finetune --config gptj_6B_1024_pod16", exits: 69, naming: ["float32", "float16"]),
    WrongInput(
      "finetune --config gptj_6B_1024_pod16 --set model.precision=float32", exits: 69,
      naming: ["bytes", "smaller"]),
  ]

  static let configurations = [
    WrongInput("estimate --config gptj_6B_1024_pod17", exits: 64, naming: ["gptj_6B_1024_pod16"]),
    WrongInput("estimate --config none.yml", exits: 66, naming: ["none.yml"]),
    WrongInput("estimate --set model.layer=2", exits: 64, naming: ["model.layer", "layers"]),
    WrongInput("estimate --set model.layers", exits: 64, naming: ["--set"]),
    WrongInput("estimate --set model.layers=two", exits: 64, naming: ["layers", "two"]),
    WrongInput(
      "estimate --set training.optimizer.learning_rate.beta1=0.9", exits: 64,
      naming: ["beta1", "training.optimizer"]),
    WrongInput(
      "estimate", exits: 64, naming: ["GPTJ_BENCH_MODEL_LAYER", "GPTJ_BENCH_MODEL_LAYERS"],
      environment: ["GPTJ_BENCH_MODEL_LAYER": "2"]),
    WrongInput(
      "estimate --config mine.yml", exits: 65,
      naming: ["mine.yml:3", "hidden_sise", "hidden_size"],
      files: ["mine.yml": "model:\n  layers: 2\n  hidden_sise: 64\n"]),
    WrongInput(
      "estimate --config mine.yml", exits: 65, naming: ["mine.yml:2", "layers"],
      files: ["mine.yml": "model:\n  layers: many\n"]),
    WrongInput(
      "estimate --config mine.yml", exits: 65, naming: ["mine.yml:3", "layers"],
      files: ["mine.yml": "model:\n  layers: 2\n  layers: 3\n"]),
    WrongInput(
      "estimate --config mine.yml", exits: 65, naming: ["mine.yml"],
      files: ["mine.yml": "model:\n\tlayers: [\n"]),
    WrongInput(
      "estimate --config mine.yml", exits: 65, naming: ["mine.yml:2", "layers"],
      files: ["mine.yml": "model:\n  layers: \(huge)\n"]),
  ]

  static let topologies = [
    WrongInput("estimate --topology pod61", exits: 64, naming: ["pod61", "pod16"]),
    WrongInput("estimate --topology none.yml", exits: 66, naming: ["none.yml"]),
    WrongInput("topology check ./", exits: 66, naming: ["./"]),
    WrongInput(
      "topology check pod.yml", exits: 65, naming: ["pod.yml:", "tile_count", "tiles"],
      files: pod("  tiles:", "  tile_count: { value: 1, unit: count, source: s }\n  tiles:")),
    WrongInput(
      "topology check pod.yml", exits: 65, naming: ["pod.yml:", "GHz"],
      files: pod("unit: GHz", "unit: MHz")),
    WrongInput(
      "topology check pod.yml", exits: 65, naming: ["pod.yml:", "tiles", "-1472"],
      files: pod("value: 1472", "value: -1472")),
    WrongInput(
      "topology check pod.yml", exits: 65, naming: ["pod.yml:", "tiles"],
      files: pod("value: 1472", "value: 1.0e300")),
    WrongInput(
      "topology check bomb.yml", exits: 65, naming: ["bomb.yml:"], files: ["bomb.yml": bomb]),
  ]

  /// Nine levels of nine aliases each: 387 million nodes if it were expanded.
  static let bomb =
    (["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + (1..<9).map { level in
      "a\(level): &a\(level) ["
        + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]"
    }).joined(separator: "\n") + "\n"

  @Test(
    "No result, the exit code, the place and the nearest choice; never a trap",
    arguments: usage + plans + configurations + topologies + machine)
  func wrong(input: WrongInput) throws {
    let folder = try TemporaryFolder()
    for (name, text) in input.files { try folder.write(name, text) }
    let command = try Command(
      input.arguments, environment: input.environment, in: folder.url)
    #expect(!command.wasKilled, "\(command.errors)")
    #expect(command.exitCode == input.exitCode, "\(command.errors)")
    #expect(command.output.isEmpty)
    for name in input.names {
      #expect(command.errors.contains(name), "'\(name)' is not in: \(command.errors)")
    }
    #expect(!command.errors.contains("Fatal error"))
  }

  @Test(
    "The largest settings that the reader takes are answered or refused, never a trap",
    arguments: [
      "model.layers=10000", "model.hidden_size=1048576", "model.sequence_length=1048576",
      "training.global_batch_size=16777216", "training.steps=1000000000",
      "model.embedding.vocab_size=16777216",
    ])
  func extremes(setting: String) throws {
    let all = [
      "model.layers=10000", "model.hidden_size=1048576", "model.sequence_length=1048576",
      "training.global_batch_size=16777216",
    ]
    for settings in [[setting], [setting] + all] {
      let command = try Command(["estimate"] + settings.flatMap { ["--set", $0] })
      #expect(!command.wasKilled, "\(settings): \(command.errors)")
      #expect([0, 64].contains(command.exitCode), "\(settings): \(command.errors)")
    }
    let steps = try Command(["estimate", "--steps", String(Int.max)])
    #expect(!steps.wasKilled, "\(steps.errors)")
  }
}
