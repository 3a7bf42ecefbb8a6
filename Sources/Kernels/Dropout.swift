import CKernels

/// Dropout by random numbers that depend on nothing but an element's place in step, model and batch.
///
/// Each element has a word of its own of Philox-4x32-10, so that any rank or worker, and a pass that
/// is repeated, finds the same mask. What is kept is divided by the share that is kept.
package struct Dropout: Sendable {
  private var constants: ck_dropout

  /// Layers, sites of a layer and heads that a stream's number has room for.
  private static let (mostLayers, mostSites, mostHeads) = (1 << 14, 1 << 2, 1 << 16)

  /// Elements become 0 with that probability, from 0 to below 1.
  ///
  /// `step` is the update's number, `site` which of a layer's dropouts, `head` one of the whole
  /// model's where each has a mask of its own, `sequence` the first one's number in the global batch.
  package init(
    probability: Double, seed: Int, step: Int, site: Int, layer: Int, head: Int = 0, sequence: Int
  ) {
    precondition((0..<1).contains(probability), "dropout of \(probability)")
    precondition(
      (0..<Self.mostSites).contains(site) && (0..<Self.mostLayers).contains(layer)
        && (0..<Self.mostHeads).contains(head), "site \(site), layer \(layer), head \(head)")
    let range = Double(UInt32.max) + 1
    constants = ck_dropout(
      seed: UInt32(truncatingIfNeeded: seed), step: UInt32(truncatingIfNeeded: step),
      stream: UInt32(site + Self.mostSites * (layer + Self.mostLayers * head)),
      sequence: UInt32(truncatingIfNeeded: sequence),
      threshold: UInt32(min(((1 - probability) * range).rounded(), range - 1)),
      scale: Float(1 / (1 - probability)))
  }

  /// The given rows of a matrix of tokens, masked and scaled; `y` may be `x`.
  ///
  /// A row's position is its number modulo `sequence`; sequences follow each other.
  package func apply(
    to x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, width: Int, sequence: Int,
    rows: Range<Int>, as format: ElementFormat = .float32, counters: inout WorkCounters
  ) {
    counters.elements += rows.count * width
    withUnsafePointer(to: constants) {
      ck_dropout_rows(
        format.rawValue, x, y, width, sequence, rows.lowerBound, rows.count, $0)
    }
  }

  /// Calls `body` with the constants as C takes them, NULL for no dropout.
  static func withConstants<Result>(
    of dropout: Dropout?, _ body: (UnsafePointer<ck_dropout>?) -> Result
  ) -> Result {
    guard let dropout else { return body(nil) }
    return withUnsafePointer(to: dropout.constants) { body($0) }
  }
}
