/// An array of a PyTorch file, which several tensors may share.
struct TensorStorage: Equatable {
  /// The name of its bytes in the file.
  var key: String
  var type: ElementType
  var count: Int

  /// Nil when it is beyond `Int`.
  var byteCount: Int? { Checkpoints.byteCount(of: [count], type) }
}

/// A tensor as torch describes it: a view of a storage.
struct StoredTensor: Equatable {
  var storage: TensorStorage
  /// The place of the first element in the storage.
  var offset: Int
  var shape: [Int]
  /// How many elements of the storage apart neighbours are, in each dimension.
  var strides: [Int]

  /// Nil beyond `Int`, in elements of eight bytes.
  var count: Int? {
    Checkpoints.byteCount(of: shape, .float64).map { $0 / ElementType.float64.byteCount }
  }

  /// The elements of the storage between the first and the last one of the tensor.
  ///
  /// Nil when the description contradicts itself or reaches beyond the storage.
  var span: Range<Int>? {
    guard shape.count <= 64, shape.count == strides.count, offset >= 0, offset <= storage.count,
      (shape + strides).allSatisfy({ $0 >= 0 }), let count
    else { return nil }
    if count == 0 { return offset..<offset }
    var last = offset
    for (extent, stride) in zip(shape, strides) {
      let (distance, overflow) = stride.multipliedReportingOverflow(by: extent - 1)
      guard !overflow, distance < storage.count - last else { return nil }
      last += distance
    }
    return last < storage.count ? offset..<last + 1 : nil
  }

  /// The part with some indices of one dimension alone.
  private func narrowed(_ dimension: Int, to range: Range<Int>) -> StoredTensor {
    var part = self
    part.offset += range.lowerBound * strides[dimension]
    part.shape[dimension] = range.count
    return part
  }

  /// How many elements of the result apart neighbours are, in each dimension.
  private var rowMajorStrides: [Int] {
    var strides = shape
    var product = 1
    for dimension in shape.indices.reversed() {
      strides[dimension] = product
      product *= shape[dimension]
    }
    return strides
  }

  /// The elements in row-major order, from stretches of the storage that `read` gives as floats.
  ///
  /// Stretches have about `blockCount` elements, so that beside the result little is held; they come
  /// in ascending order. The hub's matrices are transposed: their stretches are columns.
  ///
  /// - Precondition: `span` is not nil.
  func gathered(
    blockCount: Int = 1 << 21, read: (Range<Int>) throws(CheckpointError) -> [Float]
  ) throws(CheckpointError) -> [Float] {
    guard let count, count > 0 else { return [] }
    var result = [Float](repeating: 0, count: count)
    // By the dimension in which neighbours are farthest apart in the storage.
    let outer = shape.indices.filter { shape[$0] > 1 }.max { strides[$0] < strides[$1] }
    guard let outer else { return try read(offset..<offset + 1) }
    let places = rowMajorStrides
    let step = strides[outer] == 0 ? shape[outer] : max(1, blockCount / strides[outer])
    var first = 0
    while first < shape[outer] {
      let end = first + min(step, shape[outer] - first)
      let part = narrowed(outer, to: first..<end)
      guard let span = part.span else { preconditionFailure("a view beyond its storage") }
      let elements = try read(span)
      precondition(elements.count == span.count, "elements of another span")
      part.scatter(elements, into: &result, at: first * places[outer], places)
      first = end
    }
    return result
  }

  /// Puts the elements of the span where they belong in the result, whose strides are `places`.
  private func scatter(
    _ elements: [Float], into result: inout [Float], at start: Int, _ places: [Int]
  ) {
    // As matrices of the last two dimensions; those before walk like an odometer.
    let padding = max(0, 2 - shape.count)
    let shape = [Int](repeating: 1, count: padding) + shape
    let strides = [Int](repeating: 0, count: padding) + strides
    let places = [Int](repeating: 0, count: padding) + places
    let rows = shape.count - 2
    var index = [Int](repeating: 0, count: rows)
    repeat {
      let from = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
      let to = zip(index, places).reduce(start) { $0 + $1.0 * $1.1 }
      copyMatrix(
        shape.suffix(2), from: elements, from, strides.suffix(2), to: &result, to,
        places.suffix(2))
    } while advance(&index, within: shape)
  }
}

/// The next index, the last dimension first; false behind the end.
private func advance(_ index: inout [Int], within shape: [Int]) -> Bool {
  for dimension in index.indices.reversed() {
    index[dimension] += 1
    if index[dimension] < shape[dimension] { return true }
    index[dimension] = 0
  }
  return false
}

/// Copies one matrix in tiles, since one of both sides may go down columns.
private func copyMatrix(
  _ shape: ArraySlice<Int>,
  from elements: [Float], _ start: Int, _ strides: ArraySlice<Int>,
  to result: inout [Float], _ end: Int, _ places: ArraySlice<Int>
) {
  let (rows, columns) = (shape[shape.startIndex], shape[shape.startIndex + 1])
  let (rowStride, columnStride) = (strides[strides.startIndex], strides[strides.startIndex + 1])
  let (rowPlace, columnPlace) = (places[places.startIndex], places[places.startIndex + 1])
  let tile = 32
  elements.withUnsafeBufferPointer { elements in
    result.withUnsafeMutableBufferPointer { result in
      for firstRow in stride(from: 0, to: rows, by: tile) {
        for firstColumn in stride(from: 0, to: columns, by: tile) {
          for row in firstRow..<min(firstRow + tile, rows) {
            for column in firstColumn..<min(firstColumn + tile, columns) {
              result[end + row * rowPlace + column * columnPlace] =
                elements[start + row * rowStride + column * columnStride]
            }
          }
        }
      }
    }
  }
}
