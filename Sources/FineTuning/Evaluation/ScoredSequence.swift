/// What a pass reads in one of its places, and which tokens it is asked for.
struct ScoredSequence {
  let ids: ArraySlice<Int32>
  var wanted: [Wanted]

  struct Wanted {
    let request: Int
    /// Among the request's scored tokens.
    let place: Int
    /// The input token after which `label` comes.
    let position: Int
    let label: Int32
  }

  /// The fewest sequences that begin with every request's inputs; in lexicographic order, one that
  /// begins any other begins its successor.
  static func covering(_ requests: [ScoringRequest]) -> [ScoredSequence] {
    let order = requests.indices.sorted {
      requests[$0].inputs.lexicographicallyPrecedes(requests[$1].inputs)
    }
    var sequences: [ScoredSequence] = []
    for index in order.reversed() {
      let request = requests[index]
      if sequences.last?.ids.starts(with: request.inputs) != true {
        sequences.append(ScoredSequence(ids: request.inputs, wanted: []))
      }
      sequences[sequences.count - 1].wanted += (request.firstScored..<request.ids.count).map {
        Wanted(
          request: index, place: $0 - request.firstScored, position: $0 - 1,
          label: request.ids[$0])
      }
    }
    return sequences
  }
}
