import NearestName

/// The end of a message, ` Did you mean '...'?` or nothing.
func suggestion(_ word: String, in candidates: [String], prefix: String = "") -> String {
  nearest(word, in: candidates).map { " Did you mean '\(prefix)\($0)'?" } ?? ""
}
