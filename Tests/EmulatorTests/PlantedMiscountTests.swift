import Testing

@testable import Emulator
@testable import Program

@Suite("A miscount on either side is found")
struct PlantedMiscountTests {
  /// One quantity more or less, and the name under which it must be reported.
  struct Change: Sendable {
    let name: String
    let apply: @Sendable (inout Work) -> Void
  }

  static let changes: [Change] = arithmetic + collectives

  private static let arithmetic = [
    Change(name: "flops") { $0.flops += 1 }, Change(name: "elements") { $0.elements -= 1 },
    Change(name: "loads") { $0.loadBytes += 4 }, Change(name: "stores") { $0.storeBytes -= 4 },
    Change(name: "host") { $0.hostBytes += 1 },
  ]

  private static let collectives = Operation.Collective.allCases.map { kind in
    Change(name: kind.rawValue) { $0.collectives.record(kind, .all, bytes: 4, calls: 0) }
  }

  @Test("Every quantity of every phase counts, executed or skipped")
  func measured() throws {
    let step = try TinyStep(tensorParallel: 4, dataParallel: 2)
    let phases = step.run().phases
    #expect(miscounts(step.program, phases) == [])
    for index in phases.indices {
      for change in Self.changes {
        for isSkipped in [false, true] {
          let phase = phases[index]
          var (executed, skipped) = (phase.executed, phase.skipped)
          if isSkipped { change.apply(&skipped) } else { change.apply(&executed) }
          var planted = phases
          planted[index] = StepMeasurement.Phase(
            name: phase.name, computeSeconds: 0, collectiveSeconds: 0, waitSeconds: 0,
            diskSeconds: 0, executed: executed, skipped: skipped)
          let found = miscounts(step.program, planted)
          #expect(
            found.count == 1 && found[0].hasPrefix("\(phase.name) \(change.name):"), "\(found)")
        }
      }
    }
    #expect(miscounts(step.program, Array(phases.dropLast())).count == 1)
  }

  @Test("A Program that states one operation less is found, whichever it is")
  func stated() throws {
    let step = try TinyStep(tensorParallel: 4, dataParallel: 2)
    let (program, phases) = (step.program, step.run().phases)
    var dropped = 0
    var index = 0
    program.forEachOperation { operation, phase, _ in
      defer { index += 1 }
      guard program.work(of: operation) != Work() else { return }
      let found = miscounts(program.dropping(index), phases)
      #expect(!found.isEmpty && found.allSatisfy { $0.hasPrefix(phase) }, "\(operation.kind.name)")
      dropped += 1
    }
    #expect(dropped > 200)
  }

  @Test("A loop that states one turn more is found")
  func turns() throws {
    let step = try TinyStep(tensorParallel: 4, dataParallel: 2)
    let phases = step.run().phases
    for name in ["layer", "micro_batch"] {
      #expect(!miscounts(step.program.lengthening(name), phases).isEmpty)
    }
  }
}

extension Program {
  /// The Program without the operation at this place, in the order written.
  fileprivate func dropping(_ place: Int) -> Program {
    var index = 0
    func without(_ statements: [Statement]) -> [Statement] {
      statements.compactMap { statement in
        switch statement {
        case .phase(let name, let inner): return .phase(name, without(inner))
        case .loop(let loop, let inner): return .loop(loop, without(inner))
        case .only(let stages, let inner): return .only(stages, without(inner))
        case .operation:
          defer { index += 1 }
          return index == place ? nil : statement
        }
      }
    }
    return Program(name: name, mesh: mesh, tensors: tensors, body: without(body))
  }

  /// The Program with one turn more in each loop of that name.
  fileprivate func lengthening(_ name: String) -> Program {
    func longer(_ statements: [Statement]) -> [Statement] {
      statements.map { statement in
        switch statement {
        case .phase(let phase, let inner): return .phase(phase, longer(inner))
        case .loop(let loop, let inner):
          let count = loop.count + (loop.name == name ? 1 : 0)
          let loop = Statement.Loop(
            variable: loop.variable, name: loop.name, count: count, descending: loop.descending)
          return .loop(loop, longer(inner))
        case .only(let stages, let inner): return .only(stages, longer(inner))
        case .operation: return statement
        }
      }
    }
    return Program(name: self.name, mesh: mesh, tensors: tensors, body: longer(body))
  }
}
