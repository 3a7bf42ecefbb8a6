package import Configuration

/// How a stream of tokens becomes sequences and labels.
package struct Packing: Hashable, Sendable {
  package let kind: TaskConfiguration.Packing
  /// Tokens that a model sees at once.
  package let sequenceLength: Int

  /// A label for which there is no loss, as in torch's `cross_entropy`.
  package static let ignoredLabel: Int32 = -100

  package init(_ kind: TaskConfiguration.Packing = .reference, sequenceLength: Int) {
    precondition(sequenceLength > 0, "a sequence has at least one token")
    self.kind = kind
    self.sequenceLength = sequenceLength
  }

  /// Tokens of one chunk; the reference's has the last token's label too.
  var chunkLength: Int { kind == .reference ? sequenceLength + 1 : sequenceLength }

  /// What a model reads of a chunk.
  package func input(_ chunk: ArraySlice<Int32>) -> ArraySlice<Int32> {
    chunk.prefix(sequenceLength)
  }

  /// What it must answer, token by token: the next one, or nothing after the last.
  ///
  /// Shifted already, where run_clm.py leaves that to the model: the mean over all labels but the
  /// ignored ones is the same.
  package func labels(_ chunk: ArraySlice<Int32>) -> ArraySlice<Int32> {
    chunk.dropFirst() + repeatElement(Self.ignoredLabel, count: sequenceLength + 1 - chunkLength)
  }
}
