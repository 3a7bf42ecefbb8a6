import Program

extension Lowering {
  /// Sums of squares in two parts, for each of these groups of ranks that hold one content.
  ///
  /// All lanes sum their chunks, then one lane adds all chunks in their order. They depend on the
  /// tensor only, so that lanes change no bit.
  func lowerSumOfSquares(_ operation: Operation, _ groups: [[Int]]) {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let sums = groups.map { ranks in
      let sums = UnsafeMutablePointer(
        mutating: tables.table([Double](repeating: 0, count: RowCut.squareChunks)))
      let from = buffer(input, rank: ranks[0])
      order([(from, access(program[input], ranks, cut: nil), false)], operation.kind)
      let owners = lanes.lanes(of: ranks)
      let cut = RowCut(rows: RowCut.squareChunks, parts: owners.count)
      for (index, lane) in owners.enumerated() where !cut[index].isEmpty {
        append(
          .squares(
            storage.address(from), RowCut(squaresOf: program[input].count), chunks: cut[index],
            program[input].format, into: sums),
          to: lane)
      }
      return sums
    }
    if lanes.lanes(of: groups[0]).count > 1 { waitForAll() }
    for (ranks, sums) in zip(groups, sums) {
      let to = buffer(output, rank: ranks[0])
      order([(to, access(program[output], ranks, cut: nil), true)], operation.kind)
      append(
        .sumOfSquares(sums, into: storage.address(to).assumingMemoryBound(to: Float.self)),
        to: lanes.lanes(of: ranks)[0])
    }
  }
}
