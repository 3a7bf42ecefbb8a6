import Program
import Testing

@Suite("Products are cut into blocks")
struct ProductGridTests {
  @Test(
    "that cover every element once",
    arguments: [
      (2048, 50400, 16), (128, 144, 16), (1, 413, 16), (37, 3, 8), (5, 5, 24), (1, 1, 16),
      (7, 101, 6), (2048, 768, 1), (413, 7, 4),
    ])
  func cover(rows: Int, columns: Int, lanes: Int) {
    let grid = ProductGrid(rows: rows, columns: columns, lanes: lanes)
    var visits = [Int](repeating: 0, count: rows * columns)
    for lane in 0..<lanes {
      let block = grid[lane]
      for row in block.rows { for column in block.columns { visits[row * columns + column] += 1 } }
    }
    #expect(visits.allSatisfy { $0 == 1 })
  }

  @Test("that are square where strips would be thin, and whole rows where that costs little")
  func shape() {
    #expect(ProductGrid(rows: 2048, columns: 3072, lanes: 16).width == 4)
    #expect(ProductGrid(rows: 1, columns: 413, lanes: 16).width == 16)
    #expect(ProductGrid(rows: 16_384, columns: 48, lanes: 16).width == 1)
    #expect(ProductGrid(rows: 2048, columns: 768, lanes: 1).width == 1)
  }
}
