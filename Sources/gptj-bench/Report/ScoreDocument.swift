import Datasets
import FineTuning
import Reporting

/// The answer of `score`, as text and as a document.
///
/// `log_likelihood` and `is_greedy` of a result are what lm-evaluation-harness asks of `loglikelihood`.
struct ScoreDocument: Encodable {
  let results: [Result]
  /// Of all results together.
  let scoredTokens: Int
  let logLikelihood, perplexity: Double

  struct Result: Encodable {
    let text: String
    /// Tokens that are scored: the last ones of `tokens`.
    let scoredTokens: Int
    let logLikelihood, perplexity: Double
    let isGreedy: Bool
    let tokens: [Token]
  }

  struct Token: Encodable {
    let id: Int32
    let text: String
    /// Nil for what is not scored: the first token, or a context.
    let logprob: Double?
    let isGreedy: Bool?

    enum CodingKeys: CodingKey { case id, text, logprob, isGreedy }

    /// With `null` for what is nil, so that every token has the same keys.
    func encode(to encoder: any Encoder) throws {
      var token = encoder.container(keyedBy: CodingKeys.self)
      try token.encode(id, forKey: .id)
      try token.encode(text, forKey: .text)
      try token.encode(logprob, forKey: .logprob)
      try token.encode(isGreedy, forKey: .isGreedy)
    }
  }

  init(_ requests: [ScoringRequest], _ scores: [TokenScores], _ tokenizer: Tokenizer) {
    results = zip(requests, scores).map { Result($0, $1, tokenizer) }
    let all = TokenScores(
      logProbabilities: scores.flatMap(\.logProbabilities), areGreedy: scores.flatMap(\.areGreedy))
    scoredTokens = all.logProbabilities.count
    logLikelihood = all.logLikelihood
    perplexity = all.perplexity
  }
}

extension ScoreDocument.Result {
  init(_ request: ScoringRequest, _ scores: TokenScores, _ tokenizer: Tokenizer) {
    text = tokenizer.decode(request.ids)
    scoredTokens = scores.logProbabilities.count
    logLikelihood = scores.logLikelihood
    perplexity = scores.perplexity
    isGreedy = scores.isGreedy
    tokens = request.ids.enumerated().map { place, id in
      let scored = place - request.firstScored
      return ScoreDocument.Token(
        id: id, text: tokenizer.decode([id]),
        logprob: scored < 0 ? nil : scores.logProbabilities[scored],
        isGreedy: scored < 0 ? nil : scores.areGreedy[scored])
    }
  }
}

extension ScoreDocument {
  /// A table for each text, its sum below it; and the sum of all where there are several.
  var text: String {
    let parts = results.map { result in
      result.table.text()
        + Self.sum(result.logLikelihood, result.scoredTokens, result.perplexity)
        + (result.isGreedy ? ", greedy" : "") + "\n"
    }
    let total =
      "All \(results.count): " + Self.sum(logLikelihood, scoredTokens, perplexity) + "\n"
    return (parts + (results.count > 1 ? [total] : [])).joined(separator: "\n")
  }

  private static func sum(_ logLikelihood: Double, _ tokens: Int, _ perplexity: Double) -> String {
    "log-likelihood \(Format.fixed(logLikelihood, 4)) of \(tokens) token\(tokens == 1 ? "" : "s"), "
      + "perplexity \(Format.fixed(perplexity, 3, grouped: true))"
  }
}

extension ScoreDocument.Result {
  fileprivate var table: Table {
    var table = Table([
      Table.Column("id", .right), Table.Column("token"), Table.Column("logprob", .right),
      Table.Column("greedy"),
    ])
    for token in tokens {
      table.add([
        "\(token.id)", token.text.debugDescription,
        token.logprob.map { Format.fixed($0, 4) } ?? "-", token.isGreedy == true ? "yes" : "",
      ])
    }
    return table
  }
}
