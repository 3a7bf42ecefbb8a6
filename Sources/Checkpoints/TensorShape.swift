/// What a tensor of a checkpoint is called, and its extents, `[out, in]` for weights.
package struct TensorShape: Equatable, Sendable {
  package var name: String
  package var shape: [Int]

  /// Elements.
  package var count: Int { shape.reduce(1, *) }

  package init(name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }
}
