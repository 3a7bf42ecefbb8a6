import Program

/// Which bytes each buffer of an emulated machine has: offsets of all of them, rank by rank of
/// their owners.
struct StorageLayout {
  /// First buffer number of each tensor; its buffers follow by instance, then by content.
  private(set) var firstBuffer: [Int] = []
  /// From the start of all; of temporaries from the start of what they have together.
  private(set) var offsets: [Int] = []
  private(set) var areas: [Range<Int>] = []
  /// For those that differ over the same axes, what each content of theirs has for them; nothing where
  /// somebody else has it.
  private(set) var temporaries: [AxisSet: [Range<Int>]] = [:]
  /// Where a buffer is in the file, if it is there.
  private(set) var filed: [Range<Int>?] = []
  private var fileEnd = 0

  /// Buffers start on their own cache line, areas on their own page.
  private static let cacheLine = 64
  private static let page = 4096

  /// What a layout has to keep to.
  struct Rules {
    var sharesReplicas: Bool
    /// Tensors that take no room.
    var elsewhere: Set<TensorID> = []
    var assignment = BufferAssignment.none
    /// Whether somebody else has room for the temporaries.
    var borrows = false
    /// Tensors of streaming memory are in the file from so many bytes on.
    var leastFiled = Int.max
  }

  init(_ program: Program, _ rules: Rules) {
    let mesh = program.mesh
    func contents(_ tensor: Tensor) -> Int {
      Storage.contents(tensor, mesh, rules.sharesReplicas)
    }
    var count = 0
    for tensor in program.tensors {
      firstBuffer.append(count)
      count += tensor.instanceCount * contents(tensor)
    }
    offsets = [Int](repeating: 0, count: count)
    filed = Array(repeating: nil, count: count)
    var end = 0
    var placed = program.tensors.map { _ in Set<Int>() }
    for rank in 0..<mesh.ranks {
      let start = end
      for (index, tensor) in program.tensors.enumerated() {
        let content = Storage.contentClass(tensor, mesh, rules.sharesReplicas, rank: rank)
        guard placed[index].insert(content).inserted else { continue }
        if rules.elsewhere.contains(TensorID(index: index)) { continue }
        if let place = rules.assignment.places[TensorID(index: index)] {
          offsets[firstBuffer[index] + content] = place.lowerBound
          if !rules.borrows, temporaries[tensor.differsOver, default: []].count == content {
            let bytes = rules.assignment.bytes[tensor.differsOver] ?? 0
            temporaries[tensor.differsOver, default: []].append(end..<end + bytes)
            end += bytes
          }
          continue
        }
        for instance in 0..<tensor.instanceCount {
          let buffer = firstBuffer[index] + instance * contents(tensor) + content
          if tensor.space == .streaming, tensor.bytes >= rules.leastFiled {
            file(buffer, bytes: tensor.bytes)
          } else {
            offsets[buffer] = end
            end += tensor.bytes.rounded(to: Self.cacheLine)
          }
        }
      }
      end = end.rounded(to: Self.page)
      areas.append(start..<end)
    }
  }

  var bytes: Int { max(areas.last?.upperBound ?? 0, Self.page) }

  /// Whole huge pages where a buffer is made of them.
  private mutating func file(_ buffer: Int, bytes: Int) {
    let hugePage = 2 << 20
    let unit = bytes % hugePage == 0 ? hugePage : StreamingFile.alignment
    let start = fileEnd.rounded(to: unit)
    fileEnd = start + bytes.rounded(to: unit)
    filed[buffer] = start..<fileEnd
  }
}

extension Int {
  /// The next multiple.
  fileprivate func rounded(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
