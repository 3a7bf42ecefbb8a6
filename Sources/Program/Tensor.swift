/// Where a tensor lives: on the tiles, in the streaming memory beside them, or on the host.
package enum MemorySpace: String, Sendable, CaseIterable {
  case sram, streaming, host
}

/// How an element is stored.
package enum ElementType: String, Sendable, CaseIterable {
  case float32, float16, bfloat16, int32
  /// What a bfloat16 weight lacks of its float32, in units of the last place.
  case int16

  package var bytes: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    }
  }

  /// Whether it is a floating-point type of 16 bits; IPUs have only one, at whose rates both are timed.
  package var isHalf: Bool { self == .float16 || self == .bfloat16 }
}

/// A tensor of the Program as one rank sees it.
package struct Tensor: Sendable, Equatable {
  package let name: String
  /// Shape of one instance on one rank.
  package let shape: [Int]
  package let elementType: ElementType
  package let space: MemorySpace
  /// Axes over whose ranks the contents differ; over the others every rank holds the same values.
  package let differsOver: AxisSet
  /// How many instances there are: `[]` for one, `[layers]`, `[layers + 1, micro-batches]`, ...
  package internal(set) var instances: [Int]

  package init(
    name: String, shape: [Int], elementType: ElementType, space: MemorySpace,
    differsOver: AxisSet, instances: [Int] = []
  ) {
    precondition(shape.allSatisfy { $0 > 0 }, "\(name): shape \(shape) has an empty dimension")
    precondition(instances.allSatisfy { $0 > 0 }, "\(name): instances \(instances) are empty")
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.space = space
    self.differsOver = differsOver
    self.instances = instances
  }

  /// Elements of one instance on one rank.
  package var count: Int { shape.reduce(1, *) }
  package var instanceCount: Int { instances.reduce(1, *) }
  /// Bytes of one instance on one rank.
  package var bytes: Int { count * elementType.bytes }
  /// All but the last dimension, taken together.
  package var rows: Int { shape.dropLast().reduce(1, *) }
  package var columns: Int { shape.last ?? 1 }
}

/// The place of a tensor in `Program.tensors`.
package struct TensorID: Sendable, Hashable {
  package let index: Int

  package init(index: Int) { self.index = index }
}

/// A loop's counter, by its place in the nest that the builder made.
package struct LoopVariable: Sendable, Hashable {
  package let id: Int
}

/// An index into a tensor's instances: `variable + constant`, or only the constant; in a pipeline
/// also what depends on the stage, and the place in a ring of so many.
package struct Affine: Sendable, Hashable, ExpressibleByIntegerLiteral {
  package var variable: LoopVariable?
  package var constant: Int
  /// Added to the sum.
  package var offset: StageNumber?
  /// Of what the sum's remainder is taken.
  package var modulus: StageNumber?

  package init(
    _ variable: LoopVariable?, _ constant: Int = 0, offset: StageNumber? = nil,
    modulus: StageNumber? = nil
  ) {
    self.variable = variable
    self.constant = constant
    self.offset = offset
    self.modulus = modulus
  }

  /// Its value where the loop's counter is `turn`.
  package func value(turn: Int, stage: Int) -> Int {
    let sum = turn + constant + (offset?.value(on: stage) ?? 0)
    return modulus.map { sum % $0.value(on: stage) } ?? sum
  }

  package init(integerLiteral value: Int) { self.init(nil, value) }

  package static func + (index: Affine, offset: Int) -> Affine {
    var sum = index
    sum.constant += offset
    return sum
  }
}

/// One instance of a tensor, named by affine indices in the surrounding loops' counters.
package struct TensorReference: Sendable, Hashable {
  package let tensor: TensorID
  package let indices: [Affine]

  package init(_ tensor: TensorID, _ indices: [Affine] = []) {
    self.tensor = tensor
    self.indices = indices
  }
}
