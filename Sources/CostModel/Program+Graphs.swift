import Program

extension Program {
  /// Operations as written, of every graph once; a phase is a graph, by its operations and shapes.
  var operationsOfGraphs: Int {
    var graphs: [[Operation]] = []
    var total = 0
    func walk(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .phase(_, let inner):
          let graph = Self.operations(of: inner)
          guard !graphs.contains(where: { areAlike($0, graph) }) else { continue }
          graphs.append(graph)
          total += graph.count
        case .loop(_, let inner), .only(_, let inner): walk(inner)
        case .operation: total += 1
        }
      }
    }
    walk(body)
    return total
  }

  private static func operations(of body: [Statement]) -> [Operation] {
    body.flatMap { statement in
      switch statement {
      case .phase(_, let inner), .loop(_, let inner), .only(_, let inner): operations(of: inner)
      case .operation(let operation): [operation]
      }
    }
  }

  private func areAlike(_ one: [Operation], _ other: [Operation]) -> Bool {
    guard one.count == other.count else { return false }
    return zip(one, other).allSatisfy { one, other in
      let (operands, others) = (one.inputs + one.outputs, other.inputs + other.outputs)
      return operands.count == others.count
        && zip(operands, others).allSatisfy {
          self[$0].shape == self[$1].shape && self[$0].elementType == self[$1].elementType
        } && one.kind.name == other.kind.name
    }
  }
}
