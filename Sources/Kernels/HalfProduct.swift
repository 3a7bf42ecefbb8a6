/// One shape of C[M, N] = A[M, K] · B[K, N] on operands of 16 bits, by whichever way is faster here.
package final class HalfProduct: Sendable {
  private enum Way: Sendable {
    case native(BFloat16Product)
    case widened(WidenedProduct)
  }

  private let way: Way
  /// Bytes that a product needs beside its operands.
  package let scratchBytes: Int

  /// Every size is at least 1; the library that adds up matters only where operands are widened.
  ///
  /// Cost: milliseconds for a shape that the process has not seen.
  package init(
    _ shape: HalfProductShape, of format: ElementFormat,
    _ partials: WidenedProduct.Partials = .single,
    _ backend: GEMMBackend = .oneDNN
  ) {
    if format == .bfloat16, backend == .oneDNN, BFloat16Product.isFaster {
      let product = BFloat16Product(shape)
      (way, scratchBytes) = (.native(product), product.scratchBytes)
    } else {
      let product = WidenedProduct(shape, of: format, partials, backend)
      (way, scratchBytes) = (.widened(product), product.scratchBytes)
    }
  }

  /// C (+)= A B on the calling thread; `scratch` is aligned to 64 bytes.
  ///
  /// Costs 2·M·N·K FLOPs, which it counts.
  package func multiply(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, into result: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, counters: inout WorkCounters
  ) {
    switch way {
    case .native(let product):
      product.multiply(left, right, into: result, scratch: scratch, counters: &counters)
    case .widened(let product):
      product.multiply(left, right, into: result, scratch: scratch, counters: &counters)
    }
  }
}
