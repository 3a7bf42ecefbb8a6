package import Program

/// A trained tensor: how it is split over the ranks, and where its shards live.
package struct Parameter: Sendable, Equatable {
  /// Our name, and the stem of its tensors' names in the Program.
  package let name: String
  /// Names in a Hugging Face checkpoint, `N` standing for the layer; three of them for qkv.
  package let huggingFaceNames: [String]
  /// Shape of each of those, `[out, in]` for weights.
  package let fullShape: [Int]
  package let partition: Partition
  /// One tensor-parallel rank's part, padding included.
  package let shape: [Int]
  /// Whether there is one for each layer.
  package let isPerLayer: Bool
  /// Biases and layer norms are not decayed.
  package let isDecayed: Bool
  /// Whether each rank of a tensor-parallel group holds only its part of the gradient's sum, though
  /// all hold the same values: an adapter's replicated matrix, a norm of a rank's own rows.
  package let hasPartialGradient: Bool

  /// How the ranks of a tensor-parallel group share a parameter.
  package enum Partition: Sendable, Equatable {
    /// Each rank has all of it.
    case replicated
    /// Rows `[rank x shape[0] ..<]` of each full tensor: column-parallel linears (Megatron's name
    /// counts the columns of the transposed weight), vocabularies; zero rows pad the last ranks.
    case rows
    /// Columns `[rank x shape[1] ..<]`: row-parallel linears.
    case columns
  }

  package var count: Int { shape.reduce(1, *) }

  /// Whose ranks each hold a part of a rank's copy in streaming memory (replicated tensor sharding).
  package var shardingGroup: ProcessGroup { partition == .replicated ? .all : .data }

  /// Axes over which the values on the tiles differ.
  package var differsOver: AxisSet { partition == .replicated ? [] : .tensor }
}

/// One block of a full tensor that belongs to one rank.
package struct ShardRegion: Sendable, Equatable {
  /// Which of `huggingFaceNames`.
  package let source: Int
  package let sourceRow: Int
  package let sourceColumn: Int
  /// First row in the rank's own shape.
  package let row: Int
  package let rows: Int
  package let columns: Int
}

extension Parameter {
  /// The blocks of the full tensors that rank `tensorIndex` holds; what no block covers is padding.
  package func regions(tensorIndex: Int) -> [ShardRegion] {
    let fullRows = fullShape[0]
    let fullColumns = fullShape.count > 1 ? fullShape[1] : 1
    let columns = shape.count > 1 ? shape[1] : 1
    let rowsEach = shape[0] / huggingFaceNames.count
    return huggingFaceNames.indices.compactMap { source in
      let firstRow = partition == .rows ? tensorIndex * rowsEach : 0
      let rows = min(rowsEach, fullRows - firstRow)
      guard rows > 0 else { return nil }
      return ShardRegion(
        source: source, sourceRow: firstRow,
        sourceColumn: partition == .columns ? tensorIndex * columns : 0,
        row: source * rowsEach, rows: rows, columns: min(columns, fullColumns))
    }
  }
}
