@main
enum GPTJBench {
  static func main() {}
}
