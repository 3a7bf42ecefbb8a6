/// The candidate most like a mistyped word, or nil when none is close enough to be meant.
///
/// Case and `-` against `_` do not count. Close enough is an edit distance of at most a third of
/// the word, and at least 2; or a word that is the beginning of exactly one candidate.
package func nearest(_ word: String, in candidates: some Sequence<String>) -> String? {
  let longestWord = 64
  let wanted = folded(word)
  guard !wanted.isEmpty, wanted.count <= longestWord else { return nil }
  var best: (candidate: String, distance: Int)?
  var beginnings: [String] = []
  for candidate in candidates {
    let known = folded(candidate)
    let distance = editDistance(wanted, known)
    if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    if known.starts(with: wanted) { beginnings.append(candidate) }
  }
  if let best, best.distance <= max(2, wanted.count / 3), best.distance < wanted.count {
    return best.candidate
  }
  return beginnings.count == 1 ? beginnings[0] : nil
}

private func folded(_ word: String) -> [UInt8] {
  word.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
}

/// Levenshtein distance: insertions, deletions and substitutions, one row of the table at a time.
package func editDistance(_ from: [UInt8], _ to: [UInt8]) -> Int {
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
