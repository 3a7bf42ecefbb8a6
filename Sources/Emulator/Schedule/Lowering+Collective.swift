import Collectives
import Program

extension Lowering {
  /// A collective at one turn: once for each distinct set of targets, each lane its part.
  func lowerCollective(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup
  ) {
    let mesh = program.mesh
    var ranksByTargets: [[Int]: [Int]] = [:]
    var groups: [[Int]] = []
    var executed = 0
    let ranks = group == .pipeline ? Array(0..<mesh.ranks) : ranks
    for rank in ranks {
      let members = mesh.members(of: group, with: rank)
      let targets = members.map { buffer(operation.outputs[0], rank: $0) }
      if ranksByTargets[targets] == nil { groups.append(members) }
      ranksByTargets[targets, default: []].append(rank)
    }
    for members in groups {
      let targets = members.map { buffer(operation.outputs[0], rank: $0) }
      executed += members.count
      lower(operation, kind, members: members, sharers: ranksByTargets[targets] ?? members)
    }
    skip(program.work(of: operation) * (ranks.count - executed))
    if kind == .allGather || kind == .broadcast { skipUndelivered(operation, kind, group, groups) }
  }

  /// A send at one turn: once for each mailbox, by the lanes of its sender.
  ///
  /// Ranks of a stage that share what they send share the neighbour's mailbox, too.
  func lowerSend(_ operation: Operation, to neighbour: Operation.Neighbour) {
    let mesh = program.mesh
    let distance = neighbour == .next ? mesh.tensorParallel : -mesh.tensorParallel
    var done: Set<Int> = []
    for rank in ranks {
      let target = rank + distance
      guard done.insert(buffer(operation.outputs[0], rank: target)).inserted else { continue }
      order(
        [
          (buffer(operation.inputs[0], rank: rank), .anywhere, false),
          (buffer(operation.outputs[0], rank: target), .anywhere, true),
        ], operation.kind)
      let buffers = collectiveBuffers(operation, [rank], [target])
      let owners = lanes.lanes(of: [rank])
      let cut = RowCut(rows: program[operation.inputs[0]].count, parts: owners.count, unit: 16)
      for (index, lane) in owners.enumerated() where !cut[index].isEmpty {
        append(.collective(.init(.send, buffers, cut[index])), to: lane)
      }
    }
    skip(program.work(of: operation) * (ranks.count - done.count))
  }

  /// Members that share one buffer get it once: the other deliveries do not happen.
  private func skipUndelivered(
    _ operation: Operation, _ kind: Operation.Collective, _ group: ProcessGroup, _ groups: [[Int]]
  ) {
    var work = Work()
    for members in groups {
      let distinct = Set(members.map { buffer(operation.outputs[0], rank: $0) }).count
      let each =
        kind == .allGather
        ? program.payloadBytes(of: operation) : program[operation.outputs[0]].bytes
      let bytes = each * (members.count - distinct)
      work.collectives.record(kind, group, bytes: bytes, calls: members.count - distinct)
    }
    skip(work)
  }

  private func lower(
    _ operation: Operation, _ kind: Operation.Collective, members: [Int], sharers: [Int]
  ) {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    orderCollective(operation, kind, members: members, sharers: sharers)
    switch kind {
    case .send: preconditionFailure("a send is lowered for its pair")
    case .allReduceSum, .allReduceMax, .broadcast:
      let sources = kind == .broadcast ? [members[0]] : members
      let buffers = collectiveBuffers(operation, sources, members)
      let owners = lanes.lanes(of: sharers)
      let cut = RowCut(rows: program[output].cutRows, parts: owners.count)
      let columns = program[output].cutColumns
      for (index, lane) in owners.enumerated() where !cut[index].isEmpty {
        let part = cut[index].lowerBound * columns..<cut[index].upperBound * columns
        append(.collective(.init(kind.part, buffers, part)), to: lane)
      }
    case .reduceScatter:
      for (index, member) in members.enumerated() {
        let buffers = collectiveBuffers(operation, members, [member])
        appendShard(kind, buffers, index, member, program[output].count, program[input].count)
      }
    case .allGather:
      for (index, member) in members.enumerated() {
        let buffers = collectiveBuffers(operation, [member], members)
        appendShard(kind, buffers, index, member, program[input].count, program[output].count)
      }
    }
  }

  /// Member `index`'s shard, in one part for each of its lanes.
  private func appendShard(
    _ kind: Operation.Collective, _ buffers: CollectiveBuffers, _ index: Int, _ member: Int,
    _ shard: Int, _ count: Int
  ) {
    let owners = lanes.lanes(of: [member])
    let cut = RowCut(rows: shard, parts: owners.count)
    for (block, lane) in owners.enumerated() where !cut[block].isEmpty {
      append(
        .collective(.init(kind.part, buffers, cut[block], offset: index * shard, count: count)),
        to: lane)
    }
  }

  private func collectiveBuffers(
    _ operation: Operation, _ sources: [Int], _ targets: [Int]
  ) -> CollectiveBuffers {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let sourceAddresses = sources.map { rank -> UnsafeRawPointer? in
      UnsafeRawPointer(storage.address(buffer(input, rank: rank)))
    }
    var distinct: [Int] = []
    for rank in targets {
      let number = buffer(output, rank: rank)
      if !distinct.contains(number) { distinct.append(number) }
    }
    return CollectiveBuffers(
      sources: tables.table(sourceAddresses), sourceCount: sources.count,
      targets: tables.table(distinct.map(storage.address)), targetCount: distinct.count,
      stored: Payload(program[input].elementType),
      payload: Payload(operation.carrier ?? program[input].elementType))
  }

  private func orderCollective(
    _ operation: Operation, _ kind: Operation.Collective, members: [Int], sharers: [Int]
  ) {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    var accesses: [(buffer: Int, access: Access, writes: Bool)] = []
    for member in members {
      let source = readAccess(kind, input, member)
      accesses.append((buffer(input, rank: member), source, false))
      let target = writeAccess(kind, output, member, members: members, sharers: sharers)
      accesses.append((buffer(output, rank: member), target, true))
    }
    order(accesses, operation.kind)
  }

  /// A gathering lane reads its own rank's shard; every reduction reads all members' buffers.
  private func readAccess(
    _ kind: Operation.Collective, _ input: TensorReference, _ member: Int
  ) -> Access {
    guard kind == .allGather, lanes.blocksPerRank == 1,
      self.sharers(program[input], of: member) == [member]
    else { return .anywhere }
    return .ownChunk(RowCut(rows: 1, parts: 1))
  }

  private func writeAccess(
    _ kind: Operation.Collective, _ output: TensorReference, _ member: Int, members: [Int],
    sharers: [Int]
  ) -> Access {
    let tensor = program[output]
    let holders = self.sharers(tensor, of: member)
    switch kind {
    case .send: return .anywhere
    case .allReduceSum, .allReduceMax, .broadcast:
      guard holders == sharers else { return .anywhere }
      return .ownChunk(RowCut(rows: tensor.cutRows, parts: lanes.lanes(of: holders).count))
    case .allGather:
      guard holders == members, lanes.blocksPerRank == 1, tensor.cutRows % members.count == 0
      else { return .anywhere }
      return .ownChunk(RowCut(rows: tensor.cutRows, parts: members.count))
    case .reduceScatter:
      guard holders == [member], lanes.blocksPerRank == 1 else { return .anywhere }
      return .ownChunk(RowCut(rows: 1, parts: 1))
    }
  }
}

extension Operation.Collective {
  fileprivate var part: Instruction.CollectivePart.Kind {
    switch self {
    case .allReduceSum: .allReduceSum
    case .allReduceMax: .allReduceMax
    case .reduceScatter: .reduceScatter
    case .allGather: .allGather
    case .broadcast: .broadcast
    case .send: .send
    }
  }
}

extension Instruction.CollectivePart {
  fileprivate init(
    _ kind: Kind, _ buffers: CollectiveBuffers, _ part: Range<Int>, offset: Int = 0, count: Int = 0
  ) {
    self.init(kind: kind, buffers: buffers, part: part, offset: offset, count: count)
  }
}

extension Payload {
  fileprivate init(_ type: ElementType) {
    switch type {
    case .bfloat16: self = .bfloat16
    case .float16: self = .float16
    case .float32, .int32, .int16: self = .float32
    }
  }
}
