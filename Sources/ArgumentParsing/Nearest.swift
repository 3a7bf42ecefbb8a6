/// The candidate most like a mistyped word, or nil when none is close enough to be meant.
///
/// The same rule as in Configuration, which this module cannot import: case and `-` against `_` do
/// not count, the edit distance is at most a third of the word and at least 2.
func nearest(_ word: String, in candidates: [String]) -> String? {
  let longestWord = 64
  let wanted = folded(word)
  guard !wanted.isEmpty, wanted.count <= longestWord else { return nil }
  let distances = candidates.map { editDistance(wanted, folded($0)) }
  if let best = distances.indices.min(by: { distances[$0] < distances[$1] }),
    distances[best] <= max(2, wanted.count / 3), distances[best] < wanted.count
  {
    return candidates[best]
  }
  let beginnings = candidates.filter { folded($0).starts(with: wanted) }
  return beginnings.count == 1 ? beginnings[0] : nil
}

/// The end of a message, ` Did you mean '...'?` or nothing.
func suggestion(_ word: String, in candidates: [String], prefix: String = "") -> String {
  nearest(word, in: candidates).map { " Did you mean '\(prefix)\($0)'?" } ?? ""
}

private func folded(_ word: String) -> [UInt8] {
  word.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
}

/// Levenshtein distance: insertions, deletions and substitutions, one row of the table at a time.
private func editDistance(_ from: [UInt8], _ to: [UInt8]) -> Int {
  var row = Array(0...to.count)
  for (i, a) in from.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in to.enumerated() {
      let substitution = diagonal + (a == b ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
    }
  }
  return row[to.count]
}
