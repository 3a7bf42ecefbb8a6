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

  /// Whether elements lie in row-major order without gaps.
  var isContiguous: Bool {
    var expected = 1
    for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return true
  }

  /// Puts the elements of the span in row-major order.
  ///
  /// - Precondition: `elements` are those of `span`, which is not nil.
  func gathered(_ elements: [Float]) -> [Float] {
    precondition(span?.count == elements.count, "elements of another span")
    let count = count ?? 0
    if count == 0 || isContiguous { return elements }
    // As matrices: all dimensions but the last two walk like an odometer.
    let padded = [Int](repeating: 1, count: max(0, 2 - shape.count))
    let shape = padded + shape
    let strides = padded + strides
    let rows = shape[shape.count - 2]
    let columns = shape[shape.count - 1]
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      var place = [Int](repeating: 0, count: shape.count - 2)
      for matrix in 0..<count / (rows * columns) {
        let start = zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }
        copyMatrix(
          rows, columns, from: elements, start, strides[shape.count - 2], strides[shape.count - 1],
          to: result, matrix * rows * columns)
        for dimension in place.indices.reversed() {
          place[dimension] += 1
          if place[dimension] < shape[dimension] { break }
          place[dimension] = 0
        }
      }
      initialized = count
    }
  }
}

/// Copies in tiles, since the converters of GPT-J store transposed matrices (stride 1 by rows).
private func copyMatrix(
  _ rows: Int, _ columns: Int,
  from elements: [Float], _ start: Int, _ rowStride: Int, _ columnStride: Int,
  to result: UnsafeMutableBufferPointer<Float>, _ end: Int
) {
  let tile = 32
  elements.withUnsafeBufferPointer { elements in
    for firstRow in stride(from: 0, to: rows, by: tile) {
      for firstColumn in stride(from: 0, to: columns, by: tile) {
        for row in firstRow..<min(firstRow + tile, rows) {
          for column in firstColumn..<min(firstColumn + tile, columns) {
            result[end + row * columns + column] =
              elements[start + row * rowStride + column * columnStride]
          }
        }
      }
    }
  }
}
