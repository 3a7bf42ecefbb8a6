import Glibc
import Kernels
import Testing

extension KernelsTests {
  @Suite struct RotaryTests {
    /// Two sequences of 5 tokens; heads start at column 3.
    private struct Layout {
      let heads: Int
      let headDim: Int
      let rotaryDim: Int
      let sequence = 5
      let rows = 10
      let column = 3
      var stride: Int { heads * headDim + 8 }
    }

    private func apply(
      _ layout: Layout, _ x: inout [Float], inverse: Bool = false, rows: [Range<Int>]
    ) -> WorkCounters {
      var table = [Float](
        repeating: 0,
        count: Rotary.tableCount(sequence: layout.sequence, rotaryDim: layout.rotaryDim))
      Rotary.fillTable(&table, sequence: layout.sequence, rotaryDim: layout.rotaryDim)
      var work = WorkCounters()
      for range in rows {
        Rotary.apply(
          &x, stride: layout.stride, column: layout.column, heads: layout.heads,
          headDim: layout.headDim, rotaryDim: layout.rotaryDim, table: table,
          sequence: layout.sequence, rows: range, inverse: inverse, counters: &work)
      }
      return work
    }

    private func reference(_ layout: Layout, _ x: [Float]) -> [Double] {
      var y = doubles(x)
      for row in 0..<layout.rows {
        for head in 0..<layout.heads {
          let start = row * layout.stride + layout.column + head * layout.headDim
          for i in stride(from: 0, to: layout.rotaryDim, by: 2) {
            let frequency = pow(10_000, -Double(i) / Double(layout.rotaryDim))
            let angle = Double(row % layout.sequence) * frequency
            let (a, b) = (Double(x[start + i]), Double(x[start + i + 1]))
            y[start + i] = a * cos(angle) - b * sin(angle)
            y[start + i + 1] = b * cos(angle) + a * sin(angle)
          }
        }
      }
      return y
    }

    @Test(
      arguments: InstructionSet.available,
      [(1, 2, 2), (3, 8, 4), (2, 10, 10), (2, 40, 34), (1, 256, 64)])
    func `Interleaved pairs turn by position, the inverse turns back`(
      path: InstructionSet, shape: (heads: Int, headDim: Int, rotaryDim: Int)
    ) {
      let layout = Layout(heads: shape.heads, headDim: shape.headDim, rotaryDim: shape.rotaryDim)
      var noise = Noise(shape.headDim)
      let x = noise.floats(layout.rows * layout.stride)
      var whole = x
      var parts = x
      path.run {
        let work = apply(layout, &whole, rows: [0..<layout.rows])
        #expect(
          work == WorkCounters(elements: layout.rows * layout.heads * layout.rotaryDim))
        _ = apply(layout, &parts, rows: cuts(layout.rows))
      }
      #expect(whole == parts)
      #expect(worst(whole, reference(layout, x)) < 2e-7)
      for i in x.indices where i % layout.stride < layout.column { #expect(whole[i] == x[i]) }
      path.run { _ = apply(layout, &whole, inverse: true, rows: [0..<layout.rows]) }
      #expect(worst(whole, doubles(x)) < 4e-7)
    }

    @Test(arguments: InstructionSet.available)
    func `With places a row turns by its place, and a row without one stays`(
      path: InstructionSet
    ) {
      let (headDim, rotaryDim, sequence) = (10, 6, 5)
      let places: [Int32] = [7, -1, 0, 4, 14, 13]
      var noise = Noise(3)
      let x = noise.floats(places.count * headDim)
      var table = [Float](
        repeating: 0, count: Rotary.tableCount(sequence: sequence, rotaryDim: rotaryDim))
      Rotary.fillTable(&table, sequence: sequence, rotaryDim: rotaryDim)
      var (found, expected) = (x, x)
      var work = WorkCounters()
      path.run {
        Rotary.apply(
          &found, stride: headDim, column: 0, heads: 1, headDim: headDim, rotaryDim: rotaryDim,
          table: table, sequence: sequence, places: places, rows: 0..<places.count,
          counters: &work)
        for (row, place) in places.enumerated() where place >= 0 {
          // A row alone, put where its position is that of the place.
          let position = Int(place) % sequence
          var moved = [Float](repeating: 0, count: sequence * headDim)
          moved.replaceSubrange(
            position * headDim..<(position + 1) * headDim,
            with: x[row * headDim..<(row + 1) * headDim])
          Rotary.apply(
            &moved, stride: headDim, column: 0, heads: 1, headDim: headDim, rotaryDim: rotaryDim,
            table: table, sequence: sequence, rows: position..<position + 1, counters: &work)
          expected.replaceSubrange(
            row * headDim..<(row + 1) * headDim,
            with: moved[position * headDim..<(position + 1) * headDim])
        }
      }
      #expect(found == expected && found != x)
    }
  }
}
