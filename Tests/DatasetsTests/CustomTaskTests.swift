import Configuration
import Testing

@testable import Datasets

@Suite struct CustomTaskTests {
  @Test(arguments: [
    ("a.jsonl", #"{"id":7,"text":"Fine.","label":1}"# + "\n" + #"{"text":"Bad","label":"bad"}"#),
    ("a.csv", "label,text\n1,Fine.\n0,Bad\n-1,none\n"),
    ("a.tsv", "text\tlabel\nFine.\tgood\nBad\tbad\n"),
  ])
  func `Sentiment needs a prompt and labels`(name: String, text: String) throws {
    let task = try DatasetsTests.task(
      "sst2 text: {text} target: {label}<|endoftext|>", labels: ["bad", "good"])
    #expect(
      try read(text, as: name, task).examples.map(\.trainingPrompt) == [
        "sst2 text: Fine. target: good<|endoftext|>", "sst2 text: Bad target: bad<|endoftext|>",
      ])
  }

  @Test func `Questions have any answers, whose columns may have any names`() throws {
    let task = try DatasetsTests.task(
      "{context}\nQ: {question} ({year})\nA:{answer}<|endoftext|>",
      columns: ["question": "The question?", "answer": "answers/text"])
    let text = #"""
      {"context":"Oslo is old.","The question?":"What is?","answers/text":"Oslo","year":1048}
      {"context":"-","The question?":"How much?","answers/text":-1,"year":2}
      {"context":"","The question?":"","answers/text":null,"year":3}
      """#
    let file = try read(text, as: "a.jsonl", task)
    #expect(
      file.examples.map(\.validationPrompt)
        == ["Oslo is old.\nQ: What is? (1048)\nA:", "-\nQ: How much? (2)\nA:"])
    #expect(file.examples.map(\.answer) == ["Oslo", "-1"])
    #expect(file.skipped == 1)
    #expect(file.examples[0].isAnswered(by: "Oslo<|endoftext|>"))
  }

  @Test func `A column that is missing is named with those there are`() throws {
    let task = try DatasetsTests.task("{context} {question} {answer}<|endoftext|>")
    let message = try complaint("context,questoin,answer\na,b,c\n", as: "a.csv", task)
    #expect(
      message == "a.csv:1: the header has no 'question', which the prompt wants for {question}; "
        + "found \"context\", \"questoin\", \"answer\"; the nearest is \"questoin\"")
    #expect(
      try complaint("context,question\na,b\n", as: "a.csv", task)
        .hasPrefix("a.csv:1: the header has no answers: no 'answer', as in a test split;"))
    #expect(
      try complaint("context,question,answer\na,b,\n", as: "a.csv", task)
        .hasPrefix("a.csv: none of the 1 rows has an answer"))
  }

  @Test func `A label that is not listed is named with those there are`() throws {
    let task = try DatasetsTests.task("{text} {label}<|endoftext|>", labels: ["bad", "good"])
    #expect(
      try complaint("text,label\na,god\n", as: "a.csv", task) == "a.csv:2: the label \"god\" is "
        + "none of bad (0), good (1), and not '-' or -1 for none; the nearest is 'good'")
    for label in ["2", "+1", "01", "1.0"] {
      #expect(throws: DatasetsError.self) {
        try read("text,label\na,\(label)\n", as: "a.csv", task)
      }
    }
  }

  @Test func `The embedded pairs serve any prompt of their columns`() throws {
    let task = try DatasetsTests.task("{genre}: {premise} => {hypothesis}\n{label}<|endoftext|>")
    let example = try EmbeddedExamples(seed: 5, task: task).example(0, of: .train)
    #expect(
      example.trainingPrompt == """
        town: all artists are in the school but no dancers are in the hotel => some artists are in \
        the hotel
        neutral<|endoftext|>
        """)
    let wrong = try DatasetsTests.task("{premisse} {label}<|endoftext|>")
    let error = #expect(throws: DatasetsError.self) { try EmbeddedExamples(seed: 5, task: wrong) }
    #expect(error?.description.contains("the nearest is \"premise\"") == true)
    var labels = TaskConfiguration()
    labels.labels = ["entailment", "not"]
    #expect(throws: DatasetsError.self) { try EmbeddedExamples(seed: 5, task: labels) }
    let genres = try DatasetsTests.task("{premise} {genre}<|endoftext|>", labels: ["farm"])
    #expect(throws: DatasetsError.self) { try EmbeddedExamples(seed: 5, task: genres) }
  }
}
