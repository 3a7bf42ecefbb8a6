import ArgumentParsing

/// The command `gptj-bench`; each subcommand is a file under `Commands/`.
@main
struct GPTJBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gptj-bench",
    abstract: "Models GPT-J fine-tuning on Graphcore Bow Pods, and runs it on emulated shards.",
    examples: [
      "gptj-bench --topology pod16 --seq 1024 --gbs 128",
      "gptj-bench estimate --topology pod16,pod64 --seq 512,1024,2048 --gbs 64,128",
    ],
    version: "0.1.0",
    subcommands: [
      RunCommand.self, EstimateCommand.self, FinetuneCommand.self, EvaluateCommand.self,
      GenerateCommand.self, ScoreCommand.self, ConvertCommand.self, PlansCommand.self,
      ValidateCommand.self, TokenizerCommand.self, TopologyCommand.self, KernelsCommand.self,
      BenchCommand.self, CompareCommand.self,
    ],
    defaultSubcommand: RunCommand.self)

  static func main() { runCommandLine() }
}
