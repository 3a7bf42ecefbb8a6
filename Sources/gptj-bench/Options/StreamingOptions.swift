import ArgumentParsing

/// Where the IPUs' streaming memory is, and how much of this machine's memory a run may take.
struct StreamingOptions: ParsableArguments {
  @Option(
    name: .customLong("streaming-memory"),
    help: ArgumentHelp(
      "Keeps weights, gradients, moments and saved activations in a file there, not in memory.",
      valueName: "dir"))
  var directory: String?

  @Option(
    help: ArgumentHelp(
      "Most memory that the run takes, such as 20GiB (default: the machine's).",
      valueName: "bytes"))
  var hostMemory: ByteCount?
}
