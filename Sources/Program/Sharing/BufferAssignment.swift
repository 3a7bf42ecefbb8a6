/// Where an emulator's temporaries lie: those that are never alive at once share bytes.
///
/// A temporary is on the tiles, is written by a run before it is read, and holds nothing that is
/// wanted after it. Only those that the same ranks hold share bytes, so that what one rank has for
/// them is laid out as what any other has.
package struct BufferAssignment: Sendable {
  /// The bytes of each among all of the same holders.
  package private(set) var places: [TensorID: Range<Int>] = [:]
  /// What those that differ over the same axes take together.
  package private(set) var bytes: [AxisSet: Int] = [:]
  private var rooms: [TensorID: TensorID] = [:]
  private var overlaps: [TensorID: [TensorID]] = [:]

  private static let cacheLine = 64

  private init() {}

  package static let none = BufferAssignment()

  /// Every temporary of a Program but for `views`; none in a pipeline, whose stages do not run in the
  /// order written, and none of several instances.
  ///
  /// Cost: linear in operations, quadratic in temporaries.
  package init(_ program: Program, views: StreamingViews) {
    let lifetimes = program.temporaryLifetimes.filter { views.places[$0.key] == nil }
    for (axes, unordered) in Dictionary(grouping: lifetimes.keys, by: { program[$0].differsOver }) {
      let ids = unordered.sorted { $0.index < $1.index }
      let sizes = ids.map {
        (program[$0].bytes + Self.cacheLine - 1) / Self.cacheLine * Self.cacheLine
      }
      let starts = Self.starts(sizes, lives: ids.compactMap { lifetimes[$0] })
      for (id, start) in zip(ids, starts) { places[id] = start..<start + program[id].bytes }
      bytes[axes] = zip(starts, sizes).map { $0 + $1 }.max()
      findRooms(of: ids)
    }
  }

  /// Whether there is room for these where another has its own.
  package func fits(in other: BufferAssignment) -> Bool {
    bytes.allSatisfy { axes, bytes in bytes <= other.bytes[axes] ?? 0 }
  }

  private mutating func findRooms(of ids: [TensorID]) {
    var first: [Range<Int>: TensorID] = [:]
    for id in ids {
      guard let place = places[id] else { continue }
      if let room = first[place] {
        rooms[id] = room
        continue
      }
      for (other, room) in first where other.overlaps(place) {
        overlaps[id, default: []].append(room)
        overlaps[room, default: []].append(id)
      }
      first[place] = id
    }
  }

  /// The tensor that stands for all of the same bytes, whose rows are the same bytes to a lane: itself,
  /// or the first of them.
  package func room(of tensor: TensorID) -> TensorID { rooms[tensor] ?? tensor }

  /// The other rooms that have some of a room's bytes.
  package func overlapping(_ room: TensorID) -> [TensorID] { overlaps[room] ?? [] }

  /// Where to begin what has these sizes and lives: greedy by size, the largest first, each at the
  /// lowest place that is free as long as it lives (Pisarchyk and Lee, arXiv 2001.03288).
  package static func starts(_ sizes: [Int], lives: [ClosedRange<Int>]) -> [Int] {
    var starts = sizes.map { _ in 0 }
    var placed: [Int] = []
    for index in sizes.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
      for other in placed
      where lives[other].overlaps(lives[index]) && starts[other] < starts[index] + sizes[index] {
        starts[index] = max(starts[index], starts[other] + sizes[other])
      }
      placed.insert(index, at: placed.firstIndex { starts[$0] > starts[index] } ?? placed.count)
    }
    return starts
  }
}

extension Program {
  /// From the first to the last moment, as `liveness` has them, of all that may be temporaries.
  package var temporaryLifetimes: [TensorID: ClosedRange<Int>] {
    guard mesh.pipelineParallel == 1 else { return [:] }
    var read: Set<TensorID> = []
    forEachOperation { operation, _, _ in read.formUnion(operation.inputs.map(\.tensor)) }
    let lifetimes = self.lifetimes
    let end = lifetimes.reduce(0) { max($0, $1?.upperBound ?? 0) }
    var temporaries: [TensorID: ClosedRange<Int>] = [:]
    for (index, lifetime) in lifetimes.enumerated() {
      let id = TensorID(index: index)
      guard let lifetime, lifetime != 0...end, tensors[index].instances.isEmpty, read.contains(id)
      else { continue }
      temporaries[id] = lifetime
    }
    return temporaries
  }
}
