/// What the kernels of one worker have really executed, counted by the kernels themselves.
///
/// The Program states its work from its operands' shapes; this is the other witness, so nothing
/// here may be derived from a Program.
package struct WorkCounters: Equatable, Sendable {
  /// Multiply-adds of matrix products and attention, times 2.
  package var flops: Int
  /// Elements that went through vector work; each kernel says which of its elements it counts.
  package var elements: Int

  package init(flops: Int = 0, elements: Int = 0) {
    self.flops = flops
    self.elements = elements
  }

  package static func + (a: WorkCounters, b: WorkCounters) -> WorkCounters {
    WorkCounters(flops: a.flops + b.flops, elements: a.elements + b.elements)
  }

  package static func += (a: inout WorkCounters, b: WorkCounters) {
    a = a + b
  }
}
