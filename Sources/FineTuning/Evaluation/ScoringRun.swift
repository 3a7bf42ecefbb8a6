import Emulator
import GPTJ
import Glibc
import Program

/// A scoring pass lowered onto this host, and its host tensors.
struct ScoringRun {
  private let pass: ScoringPass
  let program: Program
  let emulator: Emulator

  init(_ pass: ScoringPass, _ options: Emulator.Options) throws {
    self.pass = pass
    program = try pass.program()
    emulator = try Emulator(program, options)
  }

  /// The scores of what all sequences want, one after the other.
  func scores(of sequences: [ScoredSequence]) -> [(logProbability: Double, isGreedy: Bool)] {
    let length = pass.model.sequenceLength
    let wanted = sequences.enumerated().flatMap { slot, sequence in
      sequence.wanted.map { (row: Int32(slot * length + $0.position), label: $0.label) }
    }
    for (slot, sequence) in sequences.enumerated() {
      put(sequence.ids, at: slot * length, of: ScoringPass.HostTensor.inputIDs, chunk: 0)
    }
    for chunk in 0..<pass.chunks {
      let part = wanted.dropFirst(chunk * pass.chunkRows).prefix(pass.chunkRows)
      let padding = Array(repeating: (row: Int32(0), label: Int32(-1)), count: pass.chunkRows)
      let rows = part + padding.dropFirst(part.count)
      put(rows.map(\.row), at: 0, of: ScoringPass.HostTensor.rows, chunk: chunk)
      put(rows.map(\.label), at: 0, of: ScoringPass.HostTensor.labels, chunk: chunk)
    }
    _ = emulator.run()
    let maxima = results(ScoringPass.HostTensor.maximum)
    let sums = results(ScoringPass.HostTensor.sum)
    let labels = results(ScoringPass.HostTensor.labelLogit)
    return wanted.indices.map {
      (
        Double(labels[$0]) - Double(maxima[$0]) - log(Double(sums[$0])),
        labels[$0] == maxima[$0]
      )
    }
  }

  private func put(
    _ values: some Collection<Int32>, at first: Int, of name: String, chunk: Int
  ) {
    for rank in 0..<pass.tensorParallel {
      let memory = memory(name, chunk, rank: rank).bindMemory(to: Int32.self)
      for (place, value) in values.enumerated() { memory[first + place] = value }
    }
  }

  private func results(_ name: String) -> [Float] {
    (0..<pass.chunks).flatMap { memory(name, $0, rank: 0).bindMemory(to: Float.self) }
  }

  private func memory(
    _ name: String, _ instance: Int, rank: Int
  ) -> UnsafeMutableRawBufferPointer {
    guard let tensor = program.tensor(named: name) else {
      preconditionFailure("a scoring pass has \(name)")
    }
    return emulator.memory(of: tensor, instance: instance, rank: rank)
  }
}
