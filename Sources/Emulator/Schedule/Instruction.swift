import Collectives
import Kernels
import Program

/// One lane's part of one operation, with every address and size resolved.
///
/// Plain values and pointers: running it counts no references and allocates nothing.
enum Instruction {
  case move(Move)
  case widen(Elements, into: MutableFloats, count: Int, ElementFormat)
  case narrow(Floats, into: MutableElements, count: Int, ElementFormat)
  case zero(UnsafeMutableRawPointer, bytes: Int)
  case slice(Slice)
  case collective(CollectivePart)
  case gemm(Product)
  case halfProduct(HalfOperands)
  case addBias(Rows, bias: Elements)
  case addScaledColumns(Columns, factor: Float)
  case scaledColumns(Columns, factor: Float)
  case biasGradient(Rows, into: MutableElements, columns: Range<Int>)
  case add(Sum)
  case layerNorm(Norm, gain: Elements, bias: Elements, y: MutableElements, epsilon: Float)
  case layerNormBackward(Norm, dy: Elements, gain: Elements, dx: MutableElements)
  case layerNormGradient(Norm, dy: Elements, dGain: MutableElements, dBias: MutableElements)
  case rotary(Rows, RotaryShape, places: Integers?)
  case attention(AttentionPart, output: MutableElements, logSumExp: MutableFloats)
  case attentionBackward(
    AttentionPart, output: Elements, logSumExp: Floats, dOutput: Elements, into: MutableElements)
  case dropout(Elements, UnsafePointer<Dropping>, into: Rows)
  case cacheAppend(CachePart, cache: MutableFloats)
  case cachedAttention(CachePart, cache: Floats, output: MutableFloats)
  case gelu(Elements, into: MutableElements, count: Int, ElementFormat)
  case geluBackward(
    dg: Elements, z: Elements, into: MutableElements, count: Int, ElementFormat)
  case embed(Lookup, table: Elements, into: MutableElements, tokens: Range<Int>)
  case embedBackward(Lookup, dx: Elements, tokens: Int, into: MutableElements, rows: Range<Int>)
  case logitsMax(Logits, into: MutableFloats)
  case logitsSums(Logits, max: Floats, sum: MutableFloats, labelLogit: MutableFloats)
  case crossEntropyLoss(Loss)
  case crossEntropyBackward(
    Logits, max: Floats, sum: Floats, scale: Double, among: UnsafeBufferPointer<Int32>)
  /// Of some of the chunks that the elements are cut into, each into its place.
  case squares(
    Elements, RowCut, chunks: Range<Int>, ElementFormat, into: UnsafeMutablePointer<Double>)
  /// Adds those of all chunks.
  case sumOfSquares(UnsafePointer<Double>, into: MutableFloats)
  case gradientScale(
    squares: Floats, scale: MutableFloats, norm: MutableFloats, clip: Double, lossScale: Double)
  case adamW(Update)
  case selectRows(
    Elements, rowBytes: Int, numbers: Integers, rows: Range<Int>, into: MutableElements)
  case argmax(GatheredLogits)

  /// In the format that the instruction names beside them.
  typealias Elements = UnsafeRawPointer
  typealias MutableElements = UnsafeMutableRawPointer
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

  /// Bytes of a flat tensor, filled up with zeros to a whole shard.
  struct Slice {
    let from: Elements
    let to: MutableElements
    let bytes: Int
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
    let library: GEMMBackend
  }

  /// The same of operands of 16 bits; the schedule keeps the product.
  struct HalfOperands {
    let product: Unmanaged<HalfProduct>
    let a: Elements
    let b: Elements
    let c: MutableElements
  }

  /// This lane's rows of a matrix.
  struct Rows {
    let matrix: MutableElements
    let width: Int
    let rows: Range<Int>
    let format: ElementFormat
  }

  /// Some columns of a matrix that has `stride`, and a matrix of their width beside them.
  struct Columns {
    let from: Elements
    let fromStride: Int
    let to: MutableElements
    let toStride: Int
    let rows: Int
    let width: Int
    let format: ElementFormat
  }

  struct Sum {
    let a: Elements
    let b: Elements
    let c: Elements?
    let to: MutableElements
    let count: Int
    let format: ElementFormat
  }

  /// A layer norm's input and statistics; `part` counts rows, or columns for its gradient.
  struct Norm {
    let x: Elements
    let stats: MutableFloats
    let rows: Int
    let width: Int
    let part: Range<Int>
    let format: ElementFormat
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
    let qkv: Elements
    let units: Range<Int>
    let format: ElementFormat
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
    let format: ElementFormat
  }

  struct Logits {
    let logits: MutableElements
    let shard: LogitsShard
    let labels: Integers
    let rows: Range<Int>
    let format: ElementFormat
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
    /// Float32, bfloat16 where `low` has the other half of it, or float16.
    let weight: MutableElements
    let weightFormat: ElementFormat
    let low: UnsafeMutablePointer<Int16>?
    let gradient: Elements
    let gradientFormat: ElementFormat
    let firstMoment: MutableElements
    let secondMoment: MutableElements
    let momentFormat: ElementFormat
    /// How weights in float16 and moments in bfloat16 are rounded, nil where there are none.
    let rounding: UnsafePointer<Rounding>?
    let gradientScale: Floats
    /// Learning rate, then the step's number.
    let schedule: Floats
    let count: Int
    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let weightDecay: Double
  }

  /// The streams of random bits of the tensors that are rounded, and the first element of them that
  /// this lane has.
  struct Rounding {
    /// Nil where weights are rounded to the nearest.
    let weight: UInt64?
    let secondMoment: UInt64
    let first: Int
  }

  struct GatheredLogits {
    let logits: Elements
    let format: ElementFormat
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
