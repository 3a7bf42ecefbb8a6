import Collectives
import Testing

@Suite("Collectives with a payload of 16 bits")
struct PayloadTests {
  /// The rounding of hardware, or for bfloat16 by the value's two neighbours.
  private static func rounded(_ value: Float, _ payload: Payload) -> Float {
    switch payload {
    case .float32: return value
    case .float16: return Float(Float16(value))
    case .bfloat16:
      guard value.isFinite else { return value }
      let low = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
      let high = Float(bitPattern: (value.bitPattern & 0xFFFF_0000) &+ 0x1_0000)
      let (below, above) = (abs(value - low), abs(high - value))
      if below == above { return low.bitPattern & 0x1_0000 == 0 ? low : high }
      return below < above ? low : high
    }
  }

  private static let specials: [Float] = [
    0, -0.0, 1, -1, 65504, 65519, 65520, 70000, -1e30, 6e-8, 3e-8, 2.98e-8, -5.9e-5, 6.1e-5,
    1.00390625, 1.01171875, 1 + 0x1p-11, 1 + 0x3p-11, .infinity, -.infinity, .leastNonzeroMagnitude,
    0x1p-14, 0x1p-14 - 0x1p-26, 0x1p-24, 0x1p-25, 0x3p-25,
  ]

  @Test("A gather rounds to the nearest, ties to even", arguments: [Payload.bfloat16, .float16])
  func gather(payload: Payload) {
    let values = Self.specials + roughNumbers(ranks: 1, count: 300)[0]
    let group = Group([values], targets: 2, of: values.count, payload: payload)
    var bytes = CollectiveBytes()
    group.buffers.allGather(0..<values.count, offset: 0, count: values.count, counting: &bytes)
    let expected = values.map { Self.rounded($0, payload) }
    #expect(bits(group.target(0)) == bits(expected))
    #expect(bits(group.target(1)) == bits(expected))
    #expect(group.guardsHold && bytes.allGather == values.count * 2 * 2)
  }

  @Test(
    "A sum rounds what comes in, adds it in float32 and rounds what it sends on",
    arguments: [Payload.bfloat16, .float16], [1, 2, 3, 16, 64])
  func sum(payload: Payload, ranks: Int) {
    let count = 700
    let values = roughNumbers(ranks: ranks, count: count)
    let sums = (0..<count).map { element in
      treeSum(values.map { Self.rounded($0[element], payload) })
    }
    let all = Group(values, targets: 2, of: count, payload: payload)
    var bytes = CollectiveBytes()
    for piece in [0..<3, 3..<299, 299..<count] {
      all.buffers.allReduceSum(piece, counting: &bytes)
    }
    #expect(bits(all.target(0)) == bits(sums.map { Self.rounded($0, payload) }))
    #expect(bits(all.target(1)) == bits(all.target(0)) && all.guardsHold)
    #expect(bytes.allReduceSum == 2 * count * ranks)

    let scattered = Group(values, targets: 1, of: 400, payload: payload)
    scattered.buffers.reduceScatter(0..<400, offset: 400, count: count, counting: &bytes)
    #expect(bits(scattered.target()) == bits(sums[400...] + [Float](repeating: 0, count: 100)))
    #expect(bytes.reduceScatter == 2 * 300 * ranks)
  }
}
