/// A whole number that depends on the stage: `base + perStage x stage`, at least 0 and at most `limit`.
///
/// How many turns a stage warms up, which of the model's layers are its own: what makes one Program
/// serve every stage of a pipeline.
package struct StageNumber: Sendable, Hashable {
  package var base: Int
  package var perStage: Int
  package var limit: Int

  package init(base: Int, perStage: Int, limit: Int) {
    self.base = base
    self.perStage = perStage
    self.limit = limit
  }

  package func value(on stage: Int) -> Int { min(limit, max(0, base + perStage * stage)) }

  /// The largest of so many stages'.
  func largest(of stages: Int) -> Int { max(value(on: 0), value(on: stages - 1)) }
}

/// Some of a pipeline's stages.
package enum StageSet: String, Sendable, CaseIterable {
  case first, last
  case allButFirst, allButLast

  package func contains(_ stage: Int, of stages: Int) -> Bool {
    switch self {
    case .first: stage == 0
    case .last: stage == stages - 1
    case .allButFirst: stage > 0
    case .allButLast: stage < stages - 1
    }
  }
}

extension Mesh {
  /// Stages that between them stand for all: the first, one between, and the last, and how many each
  /// stands for.
  package var stageKinds: [(stage: Int, count: Int)] {
    switch pipelineParallel {
    case 1: [(0, 1)]
    case 2: [(0, 1), (1, 1)]
    default: [(0, 1), (1, pipelineParallel - 2), (pipelineParallel - 1, 1)]
    }
  }
}

extension Program {
  /// What one stage runs of it: only its statements, with its own counts, and no more instances of a
  /// tensor than it goes round in.
  ///
  /// The Program itself where there is no pipeline. Cost: linear in statements and tensors.
  package func onStage(_ stage: Int) -> Program {
    guard mesh.pipelineParallel > 1 else { return self }
    func resolve(_ statements: [Statement]) -> [Statement] {
      statements.flatMap { statement -> [Statement] in
        switch statement {
        case .phase(let name, let inner): return [.phase(name, resolve(inner))]
        case .only(let stages, let inner):
          return stages.contains(stage, of: mesh.pipelineParallel) ? resolve(inner) : []
        case .loop(let loop, let inner):
          let count = loop.count(on: stage)
          guard count > 0 else { return [] }
          var own = loop
          own.count = count
          own.countByStage = nil
          return [.loop(own, resolve(inner))]
        case .operation: return [statement]
        }
      }
    }
    let body = resolve(body)
    return Program(name: name, mesh: mesh, tensors: tensors(in: body, on: stage), body: body)
  }

  private func tensors(in body: [Statement], on stage: Int) -> [Tensor] {
    var resolved = tensors
    func resolve(_ references: [TensorReference]) {
      for reference in references {
        for (axis, index) in reference.indices.enumerated() {
          guard let modulus = index.modulus else { continue }
          resolved[reference.tensor.index].instances[axis] = modulus.value(on: stage)
        }
      }
    }
    Program(name: name, mesh: mesh, tensors: tensors, body: body).forEachOperation {
      operation, _, _ in
      resolve(operation.inputs)
      resolve(operation.outputs)
    }
    return resolved
  }

  /// Each phase's work of all ranks together, in the order of the phases.
  ///
  /// Cost: one walk for each stage.
  package var workOfAllRanks: [(phase: String, work: Work)] {
    var totals: [String: Work] = [:]
    for stage in 0..<mesh.pipelineParallel {
      for (phase, work) in onStage(stage).workByPhase {
        totals[phase, default: Work()] += work * mesh.ranksPerStage
      }
    }
    return phaseNames.map { ($0, totals[$0] ?? Work()) }
  }
}
