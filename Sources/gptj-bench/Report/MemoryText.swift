import CostModel
import Program
import Reporting

extension MemoryFit {
  /// One cell of a table: `fits`, or what is over and by how much.
  var brief: String {
    guard !fits else { return "fits" }
    let memories = [MemorySpace.sram, .streaming].compactMap { space in
      shortfalls.filter { $0.space == space }.max { $0.missingBytes < $1.missingBytes }
    }
    return memories.map { "\($0.space.label): \(inBytes($0.missingBytes)) over" }
      .joined(separator: ", ")
  }

  /// What is used of what there is, of both memories.
  var usage: String {
    let fullest = phases.max { $0.bytes < $1.bytes }?.name ?? ""
    return "SRAM \(inBytes(sramPeakBytesPerIPU)) of \(inBytes(sramBytesPerIPU)) (\(fullest)), "
      + "streaming memory \(inBytes(streamingPeakBytesPerIPU)) of \(inBytes(streamingBytesPerIPU))"
  }

  /// A line for each memory and phase that is too small, and for each change that would help.
  var explanation: [String] {
    guard !fits else { return [] }
    let help = remedies.map { "it would fit with \($0)" }
    return shortfalls.map(\.text)
      + (help.isEmpty
        ? ["no other micro-batch, TP or batch that was tried makes it fit"]
        : help)
  }
}

extension MemoryFit.Shortfall {
  /// The memory, the phase, by how much, and the three largest tensors there.
  fileprivate var text: String {
    let place = phase.map { "\(space.label) in \($0)" } ?? space.label
    // The phase's name is the first part of its tensors' names.
    let items = largest.prefix(3).map { item in
      let name = item.name.split(separator: "/").last.map(String.init) ?? item.name
      return "\(name) \(inBytes(item.bytes))"
    }
    return "\(place): \(inBytes(missingBytes)) over; the largest are "
      + items.joined(separator: ", ")
  }
}

extension MemorySpace {
  fileprivate var label: String {
    switch self {
    case .sram: "SRAM"
    case .streaming: "streaming memory"
    case .host: "host memory"
    }
  }
}

private func inBytes(_ count: Int) -> String { Format.si(Double(count), "B", digits: 3) }
