extension Operation {
  /// Whether it only zeroes a sum, into which the next operation that names it adds a product: writing
  /// that product instead saves a pass over the sum, and reading it.
  package func isOverwritten(by following: ArraySlice<Statement>) -> Bool {
    guard kind == .zero, let next = Self.first(in: following, naming: outputs[0].tensor),
      case .matmul(_, _, accumulate: true) = next.kind
    else { return false }
    return next.outputs == outputs && !next.inputs.contains(outputs[0])
  }

  /// The first of the operations, as they run, that reads or writes a tensor.
  private static func first(
    in statements: ArraySlice<Statement>, naming tensor: TensorID
  ) -> Operation? {
    for statement in statements {
      switch statement {
      case .phase(_, let inner), .loop(_, let inner), .only(_, let inner):
        if let found = first(in: inner[...], naming: tensor) { return found }
      case .operation(let operation):
        let named = operation.inputs + operation.outputs
        if named.contains(where: { $0.tensor == tensor }) { return operation }
      }
    }
    return nil
  }
}
