import FineTuning
import Testing

@Suite("Which label was taken for which")
struct ConfusionMatrixTests {
  private static func matrix(_ counts: [[Int]], labels: [String]) -> ConfusionMatrix {
    var matrix = ConfusionMatrix(labels: labels)
    for (gold, row) in counts.enumerated() {
      for (answer, count) in row.enumerated() {
        for _ in 0..<count {
          matrix.record(gold: gold, answer: answer == labels.count ? nil : answer)
        }
      }
    }
    return matrix
  }

  @Test("Counts, precision, recall and F1 are those of the closed formulae")
  func closedForm() {
    let counts = [[5, 2, 0, 1], [1, 7, 0, 0], [0, 3, 0, 4]]
    let matrix = Self.matrix(counts, labels: ["a", "b", "c"])
    #expect(matrix.counts == counts)
    #expect(matrix.examples == 23 && matrix.badlyFormed == 5)
    #expect(matrix.correct == 12 && matrix.incorrect == 6)
    #expect(matrix.accuracy == 12.0 / 23)
    let (a, b, c) = (matrix.classes[0], matrix.classes[1], matrix.classes[2])
    #expect(a.precision == 5.0 / 6 && a.recall == 5.0 / 8 && a.f1 == 10.0 / 14)
    #expect(b.precision == 7.0 / 12 && b.recall == 7.0 / 8 && b.f1 == 14.0 / 20)
    #expect(c.precision == nil && c.recall == 0 && c.f1 == 0)
    #expect(abs(matrix.macroF1 - (10.0 / 14 + 14.0 / 20) / 3) < 1e-15)
    for one in [a, b] {
      if let precision = one.precision, let recall = one.recall, let f1 = one.f1 {
        #expect(abs(f1 - 2 * precision * recall / (precision + recall)) < 1e-15)
      }
    }
  }

  @Test("A label that neither occurs nor is answered does not count in the mean")
  func absent() {
    let matrix = Self.matrix([[3, 0, 0], [0, 0, 0]], labels: ["yes", "no"])
    #expect(matrix.classes[1].recall == nil && matrix.classes[1].f1 == nil)
    #expect(matrix.macroF1 == 1 && matrix.accuracy == 1)
    let empty = ConfusionMatrix(labels: ["yes", "no"])
    #expect(empty.macroF1 == 0 && empty.accuracy == 0 && empty.examples == 0)
  }
}
