import CKernels

/// Rotary position embedding on interleaved pairs, as GPT-J has it.
package enum Rotary {
  /// Floats of the table: cosines and signed sines, each twice, so that a vector needs no shuffle.
  package static func tableCount(sequence: Int, rotaryDim: Int) -> Int {
    2 * sequence * rotaryDim
  }

  /// Fills the table, worked out in double and rounded once.
  package static func fillTable(
    _ table: UnsafeMutablePointer<Float>, sequence: Int, rotaryDim: Int, base: Double = 10_000
  ) {
    precondition(rotaryDim % 2 == 0, "Rotary: rotaryDim \(rotaryDim) is not even")
    ck_rotary_table(table, sequence, rotaryDim, base)
  }

  /// Rotates the first `rotaryDim` of each head in place; `inverse` is the gradient.
  ///
  /// The heads start at `column` of each row of `stride` floats; the position is row % sequence, or
  /// place % sequence where there are places: rows with a place below 0 stay as they are.
  /// Counts rows x heads x rotaryDim elements.
  package static func apply(
    _ x: UnsafeMutableRawPointer, stride: Int, column: Int, heads: Int, headDim: Int,
    rotaryDim: Int, table: UnsafePointer<Float>, sequence: Int,
    places: UnsafePointer<Int32>? = nil, rows: Range<Int>, inverse: Bool = false,
    as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    precondition(
      rotaryDim % 2 == 0 && rotaryDim <= headDim,
      "Rotary: rotaryDim \(rotaryDim) must be even and at most headDim \(headDim)")
    counters.elements += rows.count * heads * rotaryDim
    ck_rotary(
      format.rawValue, x, stride, column, heads, headDim, rotaryDim, table, sequence, places,
      rows.lowerBound,
      rows.count, inverse ? 1 : 0)
  }
}
