/// What one machine was measured to do: the topology of the Emulator's own host.
///
/// Every rate is per second of CPU time of one thread, so that other programs on the machine take
/// no part in it but through caches and memory.
package struct MeasuredHost: Sendable, Equatable {
  package var name: String
  /// ISO 8601, UTC.
  package var measured: String
  /// What was measured: the harness and the vector instructions that its kernels chose.
  package var version: String
  package var cores: Int
  package var numaNodes: Int
  package var memoryBytes: Int
  /// Multiply-adds in registers.
  package var peakFlopsPerSecond: Double
  package var peakFlopsPerSecondOfAllCores: Double
  /// Of a = b + s x c, three floats an element, beyond the caches; wall clock.
  package var memoryBytesPerSecond: Double
  package var memoryBytesPerSecondOfAllCores: Double
  /// Wall clock of a point where all workers wait, with nothing to wait for.
  package var barrierSeconds: Double
  /// What an instruction costs beside its arithmetic.
  package var instructionSeconds: Double
  /// nil where no disk was measured.
  package var disk: Disk?
  package var tables: [Table]

  package struct Disk: Sendable, Equatable {
    package var writeBytesPerSecond: Double
    package var readBytesPerSecond: Double
    /// Whether it went past the page cache (O_DIRECT).
    package var isDirect: Bool

    package init(writeBytesPerSecond: Double, readBytesPerSecond: Double, isDirect: Bool) {
      self.writeBytesPerSecond = writeBytesPerSecond
      self.readBytesPerSecond = readBytesPerSecond
      self.isDirect = isDirect
    }
  }

  /// What a table is of: a kernel, and for products how their operands lie.
  package enum Kind: String, Sendable, CaseIterable {
    /// C = A B^T: forward.
    case matmulForward = "matmul_forward"
    /// C = A B: the gradient of the input.
    case matmulInputGradient = "matmul_input_gradient"
    /// C += A^T B: the gradient of the weight.
    case matmulWeightGradient = "matmul_weight_gradient"
    case attention
    case attentionBackward = "attention_backward"
    case copy, zero, gelu, add, rotary, embed
    case geluBackward = "gelu_backward"
    case addBias = "add_bias"
    case biasGradient = "bias_gradient"
    case addScaledColumns = "add_scaled_columns"
    case scaledColumns = "scaled_columns"
    case layerNorm = "layer_norm"
    case layerNormBackward = "layer_norm_backward"
    case layerNormGradient = "layer_norm_gradient"
    case embedBackward = "embed_backward"
    case logitsMax = "logits_max"
    case logitsSums = "logits_sums"
    case crossEntropyLoss = "cross_entropy_loss"
    case crossEntropyBackward = "cross_entropy_backward"
    case sumOfSquares = "sum_of_squares"
    case adamW = "adamw"
    /// A sum of several ranks' buffers into one.
    case allReduce = "all_reduce"

    /// What the table goes by; a figure of each axis for each entry, the last axis running fastest.
    package var axes: [String] {
      switch self {
      case .matmulForward, .matmulInputGradient, .matmulWeightGradient:
        ["rows", "columns", "inner"]
      case .attention, .attentionBackward: ["sequence", "head_size"]
      case .allReduce: ["sources", "elements", "working_set_bytes"]
      default: ["elements", "working_set_bytes"]
      }
    }

    /// The types of a step's matrices that it is measured for, as `ElementType` spells them; what works
    /// on statistics alone is the same in all of them.
    package var elementTypes: [String] {
      self == .crossEntropyLoss ? ["float32"] : ["float32", "bfloat16"]
    }

    /// What its rates count.
    package var unit: String {
      switch self {
      case .matmulForward, .matmulInputGradient, .matmulWeightGradient, .attention,
        .attentionBackward:
        "FLOP/s"
      default: "elements/s"
      }
    }
  }

  /// Rates of one kernel by shape, in one element type.
  package struct Table: Sendable, Equatable {
    package var kind: Kind
    /// Of the matrices, as `ElementType` spells it; sums and statistics beside them are wider.
    package var elementType: String
    /// Ascending, one list for each of the kind's axes.
    package var axes: [[Int]]
    /// Per second, the last axis running fastest.
    package var rates: [Double]

    package init(kind: Kind, elementType: String, axes: [[Int]], rates: [Double]) {
      precondition(
        axes.count == kind.axes.count && rates.count == axes.reduce(1) { $0 * $1.count },
        "\(kind.rawValue): \(rates.count) rates")
      self.kind = kind
      self.elementType = elementType
      self.axes = axes
      self.rates = rates
    }
  }

  package init(
    name: String, measured: String, version: String, cores: Int, numaNodes: Int, memoryBytes: Int,
    peakFlopsPerSecond: Double, peakFlopsPerSecondOfAllCores: Double, memoryBytesPerSecond: Double,
    memoryBytesPerSecondOfAllCores: Double, barrierSeconds: Double, instructionSeconds: Double,
    disk: Disk?, tables: [Table]
  ) {
    self.name = name
    self.measured = measured
    self.version = version
    self.cores = cores
    self.numaNodes = numaNodes
    self.memoryBytes = memoryBytes
    self.peakFlopsPerSecond = peakFlopsPerSecond
    self.peakFlopsPerSecondOfAllCores = peakFlopsPerSecondOfAllCores
    self.memoryBytesPerSecond = memoryBytesPerSecond
    self.memoryBytesPerSecondOfAllCores = memoryBytesPerSecondOfAllCores
    self.barrierSeconds = barrierSeconds
    self.instructionSeconds = instructionSeconds
    self.disk = disk
    self.tables = tables
  }

  package func table(_ kind: Kind, _ elementType: String = "float32") -> Table? {
    tables.first { $0.kind == kind && $0.elementType == elementType }
  }

  /// Refuses a file without a table that a step of this type is timed by.
  ///
  /// - Throws: `TopologyError.noTable` for the first one.
  package func require(_ elementType: String, of file: String) throws(TopologyError) {
    for kind in Kind.allCases {
      let type = kind.elementTypes.contains(elementType) ? elementType : "float32"
      guard table(kind, type) == nil else { continue }
      throw .noTable(file: file, kind: kind.rawValue, elementType: type)
    }
  }
}
