/// The 32-bit Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded as in their
/// `init_genrand`: PyTorch's CPU generator.
struct MersenneTwister {
  private var state: [UInt32]
  private var index = Self.size

  private static let size = 624
  private static let shift = 397

  init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(Self.size)
    for i in 1..<UInt32(Self.size) {
      let last = state[Int(i) - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ i)
    }
  }

  mutating func next() -> UInt32 {
    if index == Self.size { refill() }
    var value = state[index]
    index += 1
    value ^= value >> 11
    value ^= value << 7 & 0x9D2C_5680
    value ^= value << 15 & 0xEFC6_0000
    return value ^ value >> 18
  }

  private mutating func refill() {
    for i in 0..<Self.size {
      let mixed =
        state[i] & 0x8000_0000 | state[(i + 1) % Self.size] & 0x7FFF_FFFF
      state[i] =
        state[(i + Self.shift) % Self.size] ^ mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    index = 0
  }
}

/// The permutation that `torch.randperm(count)` gives after `torch.manual_seed(seed)`, for any
/// `count` below 2^32 / 20 (PyTorch, `randperm_cpu`).
func torchPermutation(count: Int, seed: UInt32) -> [Int] {
  var order = Array(0..<count)
  var numbers = MersenneTwister(seed: seed)
  for i in order.indices.dropLast() {
    order.swapAt(i, i + Int(numbers.next()) % (count - i))
  }
  return order
}
