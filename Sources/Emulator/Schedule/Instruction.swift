import Collectives
import Kernels

/// One lane's part of one operation, with every address and size resolved.
///
/// Plain values and pointers: running it counts no references and allocates nothing.
enum Instruction {
  case move(Move)
  case widen(UnsafePointer<UInt16>, into: MutableFloats, count: Int)
  case zero(UnsafeMutableRawPointer, bytes: Int)
  case slice(Slice)
  case collective(CollectivePart)
  case gemm(Product)
  case addBias(Rows, bias: Floats)
  case addScaledColumns(Columns, factor: Float)
  case scaledColumns(Columns, factor: Float)
  case biasGradient(dy: Floats, width: Int, rows: Int, into: MutableFloats, columns: Range<Int>)
  case add(Sum)
  case layerNorm(Norm, gain: Floats, bias: Floats, y: MutableFloats, epsilon: Float)
  case layerNormBackward(Norm, dy: Floats, gain: Floats, dx: MutableFloats)
  case layerNormGradient(Norm, dy: Floats, dGain: MutableFloats, dBias: MutableFloats)
  case rotary(Rows, RotaryShape, places: Integers?)
  case attention(AttentionPart, output: MutableFloats, logSumExp: MutableFloats)
  case attentionBackward(
    AttentionPart, output: Floats, logSumExp: Floats, dOutput: Floats, into: MutableFloats)
  case dropout(Floats, UnsafePointer<Dropping>, into: Rows)
  case cacheAppend(CachePart, cache: MutableFloats)
  case cachedAttention(CachePart, cache: Floats, output: MutableFloats)
  case gelu(Floats, into: MutableFloats, count: Int)
  case geluBackward(dg: Floats, z: Floats, into: MutableFloats, count: Int)
  case embed(Lookup, table: Floats, into: MutableFloats, tokens: Range<Int>)
  case embedBackward(Lookup, dx: Floats, tokens: Int, into: MutableFloats, rows: Range<Int>)
  case logitsMax(Logits, into: MutableFloats)
  case logitsSums(Logits, max: Floats, sum: MutableFloats, labelLogit: MutableFloats)
  case crossEntropyLoss(Loss)
  case crossEntropyBackward(Logits, max: Floats, sum: Floats, scale: Double, tokens: Int)
  case sumOfSquares(Floats, count: Int, into: MutableFloats)
  case gradientScale(
    squares: Floats, scale: MutableFloats, norm: MutableFloats, clip: Double, lossScale: Double)
  case adamW(Update)
  case selectRows(Floats, width: Int, numbers: Integers, rows: Range<Int>, into: MutableFloats)
  case argmax(GatheredLogits)

  typealias Floats = UnsafePointer<Float>
  typealias MutableFloats = UnsafeMutablePointer<Float>
  typealias Integers = UnsafePointer<Int32>

  /// A copy between memory spaces, or within the tiles.
  struct Move {
    enum Route { case hostToTiles, tilesToHost, streamingToTiles, tilesToStreaming, tiles }
    let route: Route
    let from: UnsafeRawPointer
    let to: UnsafeMutableRawPointer
    let bytes: Int
  }

  /// A range of a flat tensor, filled up with zeros to a whole shard.
  struct Slice {
    let from: Floats
    let to: MutableFloats
    let count: Int
    let zeros: Int
  }

  /// C (M, N) (+)= A B on this lane's rows of C.
  struct Product {
    let a: MatrixOperand
    let b: MatrixOperand
    let c: MutableFloats
    let stride: Int
    let rows: Int
    let columns: Int
    let inner: Int
    let accumulates: Bool
  }

  /// This lane's rows of a matrix.
  struct Rows {
    let matrix: MutableFloats
    let width: Int
    let rows: Range<Int>
  }

  /// Some columns of a matrix that has `stride`, and a matrix of their width beside them.
  struct Columns {
    let from: Floats
    let fromStride: Int
    let to: MutableFloats
    let toStride: Int
    let rows: Int
    let width: Int
  }

  struct Sum {
    let a: Floats
    let b: Floats
    let c: Floats?
    let to: MutableFloats
    let count: Int
  }

  /// A layer norm's input and statistics; `part` counts rows, or columns for its gradient.
  struct Norm {
    let x: Floats
    let stats: MutableFloats
    let rows: Int
    let width: Int
    let part: Range<Int>
  }

  struct RotaryShape {
    let heads: Int
    let headSize: Int
    let size: Int
    let sequence: Int
    let table: Floats
    let isInverse: Bool
  }

  /// Some of the (sequence, head) pairs of a rank.
  struct AttentionPart {
    let shape: Attention
    let qkv: Floats
    let units: Range<Int>
    let dropping: UnsafePointer<Dropping>?
  }

  /// Where one rank's part of a dropped tensor stands in the whole; the step's number is read when
  /// it runs.
  ///
  /// Instructions point to it: it would be the largest part of any.
  struct Dropping {
    let probability: Double
    let seed: Int
    let site: Int
    let layer: Int
    /// The rank's first head, of all heads.
    let head: Int
    /// The micro-batch's first sequence, of the global batch.
    let sequence: Int
    /// Tokens of a sequence.
    let tokens: Int
    /// Learning rate, then the step's number.
    let schedule: Floats
  }

  /// Some rows against the cache; for attention some of the (head, row) pairs, head by head.
  struct CachePart {
    let shape: CachedAttention
    let qkv: Floats
    let places: Integers
    let rows: Int
    let part: Range<Int>
  }

  /// Ids against one shard of the vocabulary.
  struct Lookup {
    let ids: Integers
    let width: Int
    let shard: Range<Int>
  }

  struct Logits {
    let logits: MutableFloats
    let shard: LogitsShard
    let labels: Integers
    let rows: Range<Int>
  }

  struct Loss {
    let max: Floats
    let sum: Floats
    let labelLogit: Floats
    let labels: Integers
    let tokens: Int
    let into: MutableFloats
  }

  struct Update {
    let weight: MutableFloats
    let gradient: Floats
    let firstMoment: MutableFloats
    let secondMoment: MutableFloats
    let gradientScale: Floats
    /// Learning rate, then the step's number.
    let schedule: Floats
    let count: Int
    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let weightDecay: Double
  }

  struct GatheredLogits {
    let logits: Floats
    let shards: Int
    let rows: Int
    let columns: Int
    let vocabulary: Int
    let part: Range<Int>
    let into: UnsafeMutablePointer<Int32>
  }

  /// This lane's part of a collective: its buffers, and a range of elements.
  struct CollectivePart {
    enum Kind { case allReduceSum, allReduceMax, reduceScatter, allGather, broadcast, send }
    let kind: Kind
    let buffers: CollectiveBuffers
    let part: Range<Int>
    /// First element of the member's shard in the whole, and how many the whole has.
    let offset: Int
    let count: Int
  }

  /// Whether its time is spent for other ranks rather than for this one's own arithmetic.
  var isCollective: Bool {
    if case .collective = self { true } else { false }
  }
}
