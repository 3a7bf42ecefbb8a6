import Program

/// The figures of a topology that operations are timed with, for one IPU unless they say otherwise.
struct Machine: Sendable {
  var name: String
  var ipus: Int
  /// Tiles that compute: without those that the configuration gives to I/O.
  var computeTiles: Int
  var tilesPerIPU: Int
  var cyclesPerSecond: Double
  var flopsPerCycleAndTileHalf: Double
  var flopsPerCycleAndTileSingle: Double
  var sramBytesPerTile: Int
  var exchangeBytesPerCycleAndTile: Double
  var streamingBytes: Int
  /// What the link to streaming memory allows at most.
  var streamingBytesPerSecond: Double
  var hostBytesPerSecond: Double
  var linkDomainIPUs: Int
  /// In one direction, of each IPU, in a ring over neighbours by group.
  var ringBytesPerSecond: @Sendable (Mesh, ProcessGroup) -> Double
  var usdPerHour: Double

  /// Arithmetic of all compute tiles, a second.
  func peakFlopsPerSecond(_ type: ElementType) -> Double {
    Double(computeTiles) * cyclesPerSecond
      * (type == .float16 ? flopsPerCycleAndTileHalf : flopsPerCycleAndTileSingle)
  }
}
