package import Datasets
import Glibc

/// Tokens whose probability is asked for, each given all tokens before it.
package struct ScoringRequest: Sendable, Hashable {
  package let ids: [Int32]
  /// The place of the first token that is scored, at least 1: nothing stands before token 0.
  package let firstScored: Int

  package init(_ ids: [Int32], firstScored: Int = 1) {
    precondition(firstScored >= 1, "token 0 has no probability")
    self.ids = ids
    self.firstScored = firstScored
  }

  /// A continuation after its context, cut where lm-evaluation-harness cuts (`TemplateLM`,
  /// `_encode_pair` and `loglikelihood`).
  ///
  /// Spaces at the context's end belong to the continuation; the continuation is what the tokens of
  /// both together have beyond the number of the context's; a context without a word is
  /// `<|endoftext|>`.
  package init(context: String, continuation: String, _ tokenizer: Tokenizer) {
    var words = context.unicodeScalars
    while words.last?.properties.isWhitespace == true { words.removeLast() }
    let text = tokenizer.encode(context + continuation)
    let prefix = tokenizer.encode(String(words))
    self =
      prefix.isEmpty
      ? Self([tokenizer.endOfTextID] + text)
      : Self(prefix + text.dropFirst(prefix.count), firstScored: prefix.count)
  }

  /// What a model is fed for it: all but the last token.
  var inputs: ArraySlice<Int32> { ids.dropLast() }
}

/// How likely a request's scored tokens are, in natural logarithms.
package struct TokenScores: Sendable, Equatable {
  package var logProbabilities: [Double]
  /// Whether no other token is more likely, for each.
  package var areGreedy: [Bool]

  package init(logProbabilities: [Double], areGreedy: [Bool]) {
    self.logProbabilities = logProbabilities
    self.areGreedy = areGreedy
  }

  /// The logarithm of the probability of all of them together.
  package var logLikelihood: Double { logProbabilities.reduce(0, +) }
  /// Whether greedy decoding would give all of them.
  package var isGreedy: Bool { areGreedy.allSatisfy { $0 } }
  /// The inverse of the tokens' geometric mean probability.
  package var perplexity: Double {
    exp(-logLikelihood / Double(max(1, logProbabilities.count)))
  }
}

/// Why a text cannot be scored; texts are numbered from 1.
package enum ScoringError: Error, Equatable, CustomStringConvertible {
  case outsideVocabulary(text: Int, token: Int, id: Int32, vocabulary: Int)
  case nothingToScore(text: Int, tokens: Int)
  /// Longer than the positions that the model was made for.
  case positions(text: Int, tokens: Int, positions: Int)

  package var description: String {
    switch self {
    case .outsideVocabulary(let text, let token, let id, let vocabulary):
      "text \(text): id \(id) at token \(token + 1) is not in the vocabulary, expected "
        + "0 to \(vocabulary - 1)"
    case .nothingToScore(let text, let tokens):
      "text \(text) has \(tokens) token\(tokens == 1 ? "" : "s") and none of them to score; "
        + "expected at least one after its context (the first token has none)"
    case .positions(let text, let tokens, let positions):
      "text \(text) has \(tokens) tokens, expected at most \(positions + 1): the model's "
        + "n_positions is \(positions), and the last token is only looked up"
    }
  }
}
