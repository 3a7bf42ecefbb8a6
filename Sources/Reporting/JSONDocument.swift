internal import FoundationEssentials

/// One JSON document: sorted keys, plain slashes, a `schema_version`, `null` for NaN and infinity.
///
/// The same value gives the same bytes. Keys are the value's property names in snake_case:
/// `costUSD` becomes `cost_usd`. The value must encode as an object.
package struct JSONDocument<Body: Encodable> {
  package let body: Body
  package let schemaVersion: Int

  package init(_ body: Body, schemaVersion: Int) {
    self.body = body
    self.schemaVersion = schemaVersion
  }

  /// Returns the document ended by a line feed, indented unless `compact`.
  package func text(compact: Bool = false) throws(ReportingError) -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if !compact { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: nonFinite, negativeInfinity: nonFinite, nan: nonFinite)
    do {
      let data = try encoder.encode(Envelope(body: body, schemaVersion: schemaVersion))
      return String(decoding: data, as: UTF8.self).replacing("\"\(nonFinite)\"", with: "null")
        + "\n"
    } catch {
      throw ReportingError.encode(reason: String(describing: error))
    }
  }
}

/// Stands for a non-finite number until the text is complete: the encoder offers strings only.
///
/// Bounded by private-use characters, so that it occurs in no text of ours or of a data set.
private let nonFinite = "\u{10FFFD}non-finite\u{10FFFD}"

/// Adds the version beside the body's own keys.
private struct Envelope<Body: Encodable>: Encodable {
  let body: Body
  let schemaVersion: Int

  private enum CodingKeys: String, CodingKey { case schemaVersion = "schema_version" }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schemaVersion, forKey: .schemaVersion)
    try body.encode(to: encoder)
  }
}
