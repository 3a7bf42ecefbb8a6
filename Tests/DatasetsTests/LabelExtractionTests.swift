import Testing

@testable import Datasets

@Suite struct LabelExtractionTests {
  @Test(arguments: [
    " neutral", "neutral", "neutral <|endoftext|>", " neutral<|endoftext|>", "<|endoftext|>neutral",
    " neutral<|endoftext|>\n<|endoftext|> ", "\tneutral\r\n", " <|endoftext|> neutral",
  ])
  func `space and end of text around a label do not matter`(answer: String) {
    #expect(extractLabel(from: answer) == .neutral)
  }

  @Test(arguments: EntailmentLabel.allCases)
  func `each label is read`(label: EntailmentLabel) {
    #expect(extractLabel(from: " \(label.rawValue)<|endoftext|>") == label)
  }

  @Test(arguments: [
    "", " ", "<|endoftext|>", "Neutral", "neutral.", "neutral neutral", "neutra",
    "neutral<|endoftext",
    "neutral<|endoftext|>mnli", "maybe", "neutral\u{301}",
  ])
  func `anything else is badly formed`(answer: String) {
    #expect(extractLabel(from: answer) == nil)
  }
}
