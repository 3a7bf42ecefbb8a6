/// The SplitMix64 generator: 64 bits of state, one addition and three mixing steps per number.
///
/// Constants and steps from Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014, and Vigna's public-domain splitmix64.c. It is used by counter: a
/// stream is opened for each (seed, counter), so that number `i` of a data set can be made without
/// making those before it, on any thread, and the same on every platform.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  /// Opens the stream of `counter` under `seed`.
  ///
  /// Both are mixed first: neighbouring counters give unrelated streams.
  package init(seed: UInt64, counter: UInt64) {
    state = Self.mix(seed &+ Self.mix(counter &+ Self.increment))
  }

  package mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  /// A number in `0 ..< bound`, by the high half of a product: no modulo bias worth speaking of.
  ///
  /// Written here because the standard library does not promise its own mapping across versions.
  package mutating func next(below bound: Int) -> Int {
    precondition(bound > 0, "no number lies below \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// An element of `choices`, each equally likely.
  package mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[next(below: choices.count)]
  }

  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15  // 2^64 / golden ratio, OOPSLA 2014

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9  // Stafford's mix 13, OOPSLA 2014
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB  // Stafford's mix 13, OOPSLA 2014
    return z ^ (z >> 31)
  }
}
