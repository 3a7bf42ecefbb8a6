import CKernels

/// One shard's columns of logits [rows, stride]: where they start, and which are in the vocabulary.
package struct LogitsShard: Sendable {
  package let stride: Int
  package let columns: Int
  /// The shard's leading columns that belong to the real vocabulary; the rest is padding.
  package let validColumns: Int
  /// The token id of the first column.
  package let firstColumn: Int

  package init(stride: Int, columns: Int, validColumns: Int, firstColumn: Int) {
    precondition(
      0 <= validColumns && validColumns <= columns && columns <= stride,
      "LogitsShard: \(validColumns) valid of \(columns) columns, stride \(stride)")
    self.stride = stride
    self.columns = columns
    self.validColumns = validColumns
    self.firstColumn = firstColumn
  }
}

/// Vocabulary-parallel cross entropy: per-row parts of each shard, combined by max and sum.
///
/// Labels are global token ids; one below 0 is ignored. Every function over logits counts
/// rows x validColumns elements.
package enum CrossEntropy {
  /// The largest logit of each row, -infinity on a shard that is all padding.
  package static func rowMax(
    _ logits: UnsafeRawPointer, shard: LogitsShard, into max: UnsafeMutablePointer<Float>,
    rows: Range<Int>, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * shard.validColumns
    ck_row_max(
      format.rawValue, logits, shard.stride, shard.validColumns, max, rows.lowerBound, rows.count)
  }

  /// The sum of exp(logit - max) and the label's logit (0 where another shard has it).
  ///
  /// `max` is over all shards. Both results add up over the shards.
  package static func rowSums(
    _ logits: UnsafeRawPointer, shard: LogitsShard, labels: UnsafePointer<Int32>,
    max: UnsafePointer<Float>, sum: UnsafeMutablePointer<Float>,
    labelLogit: UnsafeMutablePointer<Float>, rows: Range<Int>,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * shard.validColumns
    ck_row_sum_exp(
      format.rawValue, logits, shard.stride, shard.validColumns, shard.firstColumn, labels, max,
      sum, labelLogit,
      rows.lowerBound, rows.count)
  }

  /// In place: logits become (softmax - onehot) · scale; zero in ignored rows and padding.
  ///
  /// `max` and `sum` are over all shards; the mean's 1 / valid rows belongs into `scale`.
  package static func backward(
    _ logits: UnsafeMutableRawPointer, shard: LogitsShard, labels: UnsafePointer<Int32>,
    max: UnsafePointer<Float>, sum: UnsafePointer<Float>, scale: Float, rows: Range<Int>,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * shard.validColumns
    ck_cross_entropy_backward(
      format.rawValue, logits, shard.stride, shard.columns, shard.validColumns, shard.firstColumn,
      labels, max, sum,
      scale, rows.lowerBound, rows.count)
  }

  /// The sum of the losses of the rows that are not ignored, and how many they are.
  ///
  /// In double and in row order; max, sum and label logit are over all shards. Counts no elements.
  package static func loss(
    labels: UnsafePointer<Int32>, max: UnsafePointer<Float>, sum: UnsafePointer<Float>,
    labelLogit: UnsafePointer<Float>, rows: Int
  ) -> (sum: Double, validRows: Int) {
    var valid = 0
    let total = ck_cross_entropy_loss(labels, max, sum, labelLogit, rows, &valid)
    return (total, valid)
  }
}
