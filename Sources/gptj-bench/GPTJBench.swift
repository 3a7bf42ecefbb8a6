@main
struct GPTJBench {
  static func main() throws { try probe(Array(CommandLine.arguments.dropFirst())) }
}
