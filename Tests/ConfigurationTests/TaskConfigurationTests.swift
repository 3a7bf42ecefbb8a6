import Testing

@testable import Configuration

@Suite("A task and its prompt")
struct TaskConfigurationTests {
  private func decode(_ text: String) throws -> TaskConfiguration {
    try FineTuningConfiguration.decode(YAMLNode.parse(text: text, file: "f.yml")).task
  }

  private func failure(_ text: String) -> String {
    #expect(throws: ConfigurationError.self) { try decode(text) }?.description ?? "no error"
  }

  @Test("The default is MNLI as the notebook writes it")
  func mnli() throws {
    let task = TaskConfiguration()
    #expect(task.prompt.inputs == ["hypothesis", "premise"])
    #expect(task.prompt.target == "label")
    #expect(
      task.prompt.question(["Owls eat.", "Birds eat."])
        == "mnli hypothesis: Owls eat. premise: Birds eat. target:")
    #expect(task.prompt.separator == " ")
    #expect(task.labels == ["entailment", "neutral", "contradiction"])
    #expect(
      task.prompt.text
        == "mnli hypothesis: {hypothesis} premise: {premise} target: {label}<|endoftext|>")
  }

  @Test(
    "The question ends where the answer's first token begins",
    arguments: [
      ("Q: {q} A: {a}<|endoftext|>", "Q: x A:", " "), ("{q}\n{a}<|endoftext|>", "x\n", ""),
      ("{q}  {a}<|endoftext|>", "x ", " "), ("{q}{a}<|endoftext|>", "x", ""),
      ("{q}-{q} {{{q}}} é{a}<|endoftext|>", "x-x {x} é", ""), ("{a}<|endoftext|>", "", ""),
    ])
  func question(text: String, question: String, separator: String) throws {
    let prompt = try PromptTemplate(text)
    #expect(prompt.question(prompt.inputs.map { _ in "x" }) == question)
    #expect(prompt.separator == separator)
    #expect(prompt.target == "a")
    #expect(prompt.text == text)
  }

  @Test(
    "A prompt that cannot be trained on is refused with its place",
    arguments: [
      ("no answer", "does not end with an answer, expected the answer's placeholder and then only"),
      ("{a}", "does not end with an answer"), ("<|endoftext|>", "does not end with an answer"),
      ("{a} <|endoftext|>", "does not end with an answer"),
      ("{a}<|endoftext|>x", "does not end with an answer"),
      ("{a} is {a}<|endoftext|>", "has the answer {a} in its question too"),
      ("{b {a}<|endoftext|>", "has the placeholder '{b {a}'"),
      ("{a b}<|endoftext|>", "has the placeholder '{a b}'"),
      ("{}<|endoftext|>", "has the placeholder '{}'"), ("{a", "has a '{' that is never closed"),
      ("a}", "has a '}' that closes nothing"), ("{ä}", "has the placeholder '{ä}'"),
    ])
  func badPrompt(text: String, expected: String) {
    let message = failure("task:\n  prompt: \"\(text)\"\n")
    #expect(message.hasPrefix("f.yml:2:11: task.prompt \(expected)"), "\(message)")
  }

  @Test("Another prompt takes any answer unless labels are given")
  func labels() throws {
    let prompt = "task:\n  prompt: \"{q} {a}<|endoftext|>\"\n"
    #expect(try decode(prompt).labels == nil)
    #expect(try decode(prompt + "  labels: [yes, no]\n").labels == ["yes", "no"])
    #expect(try decode("task:\n  packing: run_clm\n").labels == TaskConfiguration().labels)
    #expect(try decode("task:\n  packing: run_clm\n").packing == .runCLM)
    #expect(try decode("task:\n  labels: null\n").labels == nil)
  }

  @Test(
    "Labels that answers could not be told apart by are refused",
    arguments: [
      ("[a, a]", "has 'a' twice"), ("[\" a\"]", "has ' a' with space at an end"),
      ("[\"1\", \"2\"]", "has '1' which could also be the place of another label"),
      ("[\"a<|endoftext|>\"]", "with the end of the text in it"), ("[]", "has 0 values"),
      ("[1]", "expected a list of strings"),
    ])
  func badLabels(labels: String, expected: String) {
    #expect(failure("task:\n  labels: \(labels)\n").contains(expected))
  }

  @Test("Columns are those of placeholders; a mistyped one is named")
  func columns() throws {
    let text = "task:\n  columns:\n    premise: \"Text, the: first\"\n    label: \"null\"\n"
    #expect(try decode(text).columns == ["premise": "Text, the: first", "label": "null"])
    #expect(
      failure("task:\n  columns: {premis: a}\n").hasSuffix("did you mean 'premise'?"))
  }

  @Test("Settings come by flag and variable too, and a print reads back")
  func resolve() throws {
    let resolver = ConfigurationResolver(
      "entailment",
      environment: [
        "GPTJ_BENCH_TASK_COLUMNS": "{q: question}", "GPTJ_BENCH_TASK_PACKING": "run_clm",
      ],
      overrides: [
        try ConfigurationOverride(assignment: "task.prompt=Say: {q}\u{7} \"é\" # {a}<|endoftext|>"),
        try ConfigurationOverride(assignment: "task.columns.a=The answer"),
        try ConfigurationOverride(assignment: "task.labels=[\"yes\", \"it is: no\"]"),
      ])
    let configuration: FineTuningConfiguration = try resolver.resolve()
    #expect(configuration.task.prompt.inputs == ["q"])
    #expect(configuration.task.columns == ["q": "question", "a": "The answer"])
    #expect(configuration.task.labels == ["yes", "it is: no"])
    #expect(configuration.task.packing == .runCLM)
    let printed = try YAMLNode.parse(text: configuration.printYAML(), file: "printed.yml")
    #expect(try FineTuningConfiguration.decode(printed) == configuration)
  }
}
