/// Of a product C[M, N] = A[M, K] · B[K, N] on operands of 16 bits everything but the addresses.
///
/// Strides count elements of stored rows.
package struct HalfProductShape: Hashable, Sendable {
  package var rows: Int
  package var columns: Int
  package var inner: Int
  package var transposesA: Bool
  package var transposesB: Bool
  package var strideA: Int
  package var strideB: Int
  package var strideC: Int
  package var result: ElementFormat
  package var accumulates: Bool

  package init(
    rows: Int, columns: Int, inner: Int, transposesA: Bool, transposesB: Bool, strideA: Int,
    strideB: Int, strideC: Int, result: ElementFormat, accumulates: Bool
  ) {
    self.rows = rows
    self.columns = columns
    self.inner = inner
    self.transposesA = transposesA
    self.transposesB = transposesB
    self.strideA = strideA
    self.strideB = strideB
    self.strideC = strideC
    self.result = result
    self.accumulates = accumulates
  }
}
