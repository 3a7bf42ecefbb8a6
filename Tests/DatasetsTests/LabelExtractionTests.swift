import Configuration
import Testing

@testable import Datasets

@Suite struct LabelExtractionTests {
  private let neutral = Example(.mnli, ["", ""], answer: "neutral")

  @Test(arguments: [
    " neutral", "neutral", "neutral <|endoftext|>", " neutral<|endoftext|>", "<|endoftext|>neutral",
    " neutral<|endoftext|>\n<|endoftext|> ", "\tneutral\r\n", " <|endoftext|> neutral",
  ])
  func `space and end of text around a label do not matter`(answer: String) {
    #expect(neutral.isAnswered(by: answer))
  }

  @Test(arguments: ["entailment", "Saint-Étienne", "two words"])
  func `each answer is accepted`(answer: String) {
    #expect(Example(.mnli, ["", ""], answer: answer).isAnswered(by: " \(answer)<|endoftext|>"))
  }

  @Test(arguments: [
    "", " ", "<|endoftext|>", "Neutral", "neutral.", "neutral neutral", "neutra",
    "neutral<|endoftext",
    "neutral<|endoftext|>mnli", "maybe", "neutral\u{301}",
  ])
  func `anything else is no answer`(answer: String) {
    #expect(!neutral.isAnswered(by: answer))
  }
}
