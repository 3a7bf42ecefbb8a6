import CKernels
import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct DropoutTests {
    /// Random123's known answers for philox4x32 with 10 rounds (counter, key, words).
    static let knownAnswers: [[UInt32]] = [
      [0, 0, 0, 0, 0, 0, 0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8],
      [UInt32](repeating: 0xFFFF_FFFF, count: 6)
        + [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD],
      [
        0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344, 0xA409_3822, 0x299F_31D0,
        0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1,
      ],
    ]

    @Test(arguments: InstructionSet.available, knownAnswers)
    func `The random words are Philox's`(path: InstructionSet, known: [UInt32]) {
      #expect(path.run { words(Array(known[0..<4]), key: Array(known[4..<6])) } == known.suffix(4))
    }

    /// The words of a counter, by the portable path or the one that is forced.
    private func words(_ counter: [UInt32], key: [UInt32]) -> [UInt32] {
      var words = [UInt32](repeating: 0, count: 4)
      ck_philox(counter, key, &words)
      return words
    }

    private func mask(
      _ dropout: Dropout, width: Int, sequence: Int, rows: Int, cuts: [Range<Int>]? = nil
    ) -> [Float] {
      var values = [Float](repeating: 1, count: rows * width)
      var work = WorkCounters()
      for cut in cuts ?? [0..<rows] {
        dropout.apply(
          to: values, into: &values, width: width, sequence: sequence, rows: cut, counters: &work)
      }
      #expect(work == WorkCounters(elements: rows * width))
      return values
    }

    @Test(arguments: InstructionSet.available, [(1, 1), (3, 5), (16, 4), (37, 6), (64, 19)])
    func `Each element is kept by the word of its own column, position and sequence`(
      path: InstructionSet, shape: (width: Int, sequence: Int)
    ) {
      let (rows, probability) = (3 * shape.sequence, 0.375)
      let dropout = Dropout(
        probability: probability, seed: 42, step: 7, site: 2, layer: 5, head: 3, sequence: 1000)
      let expected = (0..<rows * shape.width).map { index -> Float in
        let (row, column) = (index / shape.width, index % shape.width)
        let position = row % shape.sequence
        let counter = [column, position / 4, 1000 + row / shape.sequence, 2 + 4 * 5 + 65536 * 3]
        let word = words(counter.map(UInt32.init), key: [42, 7])[position % 4]
        return Double(word) < (1 - probability) * 0x1p32 ? Float(1 / (1 - probability)) : 0
      }
      path.run {
        #expect(mask(dropout, width: shape.width, sequence: shape.sequence, rows: rows) == expected)
        let cut = mask(
          dropout, width: shape.width, sequence: shape.sequence, rows: rows, cuts: cuts(rows))
        #expect(cut == expected)
      }
    }

    @Test(arguments: [1e-9, 0.1, 0.5, 0.99])
    func `The share that is dropped is the probability, and the mean stays`(probability: Double) {
      let count = 1 << 20
      let dropout = Dropout(
        probability: probability, seed: 1, step: 1, site: 0, layer: 0, sequence: 0)
      let values = mask(dropout, width: 1024, sequence: 256, rows: 1024)
      let dropped = Double(values.count { $0 == 0 })
      let deviation = (Double(count) * probability * (1 - probability)).squareRoot()
      #expect(abs(dropped - Double(count) * probability) < 5 * deviation + 1)
      let mean = doubles(values).reduce(0, +) / Double(count)
      #expect(abs(mean - 1) < 5 * deviation / Double(count) / (1 - probability) + 1e-6)
      // Neighbours in either direction agree as often as chance has it.
      for step in [1, 1024] {
        let both = zip(values, values.dropFirst(step)).count { $0 == 0 && $1 == 0 }
        let expected = Double(count) * probability * probability
        #expect(abs(Double(both) - expected) < 6 * max(expected.squareRoot(), 1) + 1)
      }
    }

    @Test func `Every part of the key gives another mask`() {
      func values(
        seed: Int = 1, step: Int = 1, site: Int = 0, layer: Int = 0, head: Int = 0,
        sequence: Int = 0
      ) -> [Float] {
        mask(
          Dropout(
            probability: 0.5, seed: seed, step: step, site: site, layer: layer, head: head,
            sequence: sequence), width: 64, sequence: 64, rows: 64)
      }
      let masks = [
        values(), values(seed: 2), values(step: 2), values(site: 1), values(layer: 1),
        values(head: 1), values(sequence: 1),
      ]
      for (index, one) in masks.enumerated() {
        for other in masks[..<index] {
          #expect(abs(zip(one, other).count { $0 == $1 } - 2048) < 200)
        }
      }
      #expect(values() == values())
    }
  }
}
