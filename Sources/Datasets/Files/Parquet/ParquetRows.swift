/// What reading a Parquet file may still allocate: small files can claim to be huge.
struct ParquetBudget {
  private var bytes: Int
  private let fileSize: Int

  /// 256 times the file and 16 MiB: text compresses up to 20 times, and repeated values far better,
  /// but nobody trains on those.
  init(fileSize: Int) {
    self.fileSize = fileSize
    let (product, overflow) = fileSize.multipliedReportingOverflow(by: 256)
    bytes = overflow ? Int.max : min(Int.max - 1 << 24, product) + 1 << 24
  }

  mutating func spend(_ count: Int, each size: Int = 1) throws(ParquetProblem) {
    let (product, overflow) = count.multipliedReportingOverflow(by: size)
    guard !overflow, 0 <= product, product <= bytes else {
      throw ParquetProblem(
        "it says that it has more data than the file's \(fileSize) bytes plausibly hold")
    }
    bytes -= product
  }
}

extension ExampleRows {
  /// Reads the task's columns of each row group.
  mutating func readParquet(of bytes: [UInt8]) throws(DatasetsError) {
    let footer = try footer(of: bytes)
    let chosen = try places(in: footer.columns.map(\.name)).map { footer.columns[$0] }
    var budget = ParquetBudget(fileSize: bytes.count)
    var row = 0
    for (number, group) in footer.rowGroups.enumerated() {
      var read: [[String?]] = []
      for column in chosen {
        do {
          read.append(try ParquetColumnReader.read(column, of: group, in: bytes, &budget))
        } catch {
          let place = "column \(brief(column.name)), row group \(number + 1)"
          throw .damaged(file: file, place: place, problem: "\(error)")
        }
      }
      for index in 0..<group.rows {
        row += 1
        try append(read.map { $0[index] }, row, chosen.map(\.name))
      }
    }
  }

  private func footer(of bytes: [UInt8]) throws(DatasetsError) -> ParquetFooter {
    do {
      return try ParquetFooter(bytes)
    } catch {
      throw .damaged(file: file, place: "footer", problem: "\(error)")
    }
  }

  private func places(in names: [String]) throws(DatasetsError) -> [Int] {
    do {
      return try columns.places(in: names)
    } catch {
      throw .damaged(file: file, place: "schema", problem: "the file has \(error)")
    }
  }

  /// A null answer is none; another null is an error.
  private mutating func append(
    _ values: [String?], _ row: Int, _ names: [String]
  ) throws(DatasetsError) {
    if let index = values.dropLast().firstIndex(of: nil) {
      throw .damaged(
        file: file, place: "row \(row)", problem: "\(brief(names[index])) has no value")
    }
    do {
      try append(values.map { $0 ?? "" })
    } catch {
      throw .damaged(file: file, place: "row \(row)", problem: "\(error)")
    }
  }
}
