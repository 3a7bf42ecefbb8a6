import CKernels
import COneDNN
import Glibc

/// One shape of C[M, N] = A[M, K] · B[K, N] on bfloat16 operands, summed in float32, by oneDNN.
///
/// What oneDNN prepares for a shape, code included, is made once, here; multiplying then only fills
/// in addresses. C is bfloat16, or float32 where weight gradients add up in it.
package final class BFloat16Product: @unchecked Sendable {
  /// Whether oneDNN multiplies bfloat16 on this processor: from AVX-512 on.
  package static let isSupported: Bool = {
    let square = description(16, 16, 16, transposed: false, dnnl_bf16)
    guard let found = primitiveDescription(square, square, square, accumulates: false) else {
      return false
    }
    dnnl_primitive_desc_destroy(found)
    return true
  }()

  /// Whether this processor multiplies bfloat16 by itself faster than widened to float32.
  ///
  /// With AMX it does, and on AMD; a core of Intel without AMX (Emerald Rapids) does 90 GFLOP/s against 180.
  package static let isFaster: Bool =
    isSupported
    && (ck_multiplies_bfloat16_faster() != 0
      || dnnl_get_effective_cpu_isa().rawValue & dnnl_cpu_isa_avx512_core_amx.rawValue
        == dnnl_cpu_isa_avx512_core_amx.rawValue)

  package let shape: HalfProductShape
  /// Bytes that a product needs beside its operands.
  package let scratchBytes: Int
  private let a: dnnl_memory_desc_t
  private let b: dnnl_memory_desc_t
  private let c: dnnl_memory_desc_t
  private let scratch: dnnl_memory_desc_t
  /// Nil where the sum in float32 is the faster of the two.
  private let primitive: dnnl_primitive_t?

  /// Every size is at least 1.
  ///
  /// Cost: milliseconds for a shape that the process has not seen.
  package init(_ shape: HalfProductShape) {
    precondition(
      shape.rows > 0 && shape.columns > 0 && shape.inner > 0, "a product of nothing: \(shape)")
    self.shape = shape
    // The number of threads that oneDNN plans for is that of the thread that asks.
    GEMM.prepareThread()
    let (m, n, k) = (shape.rows, shape.columns, shape.inner)
    a = Self.description(m, k, shape.strideA, transposed: shape.transposesA, dnnl_bf16)
    b = Self.description(k, n, shape.strideB, transposed: shape.transposesB, dnnl_bf16)
    let result = shape.result == .float32 ? dnnl_f32 : dnnl_bf16
    c = Self.description(m, n, shape.strideC, transposed: false, result)
    if Self.sums(shape) {
      scratchBytes = shape.result == .float32 ? 0 : m * n * MemoryLayout<Float>.size
      (scratch, primitive) = (dnnl_memory_desc_t(), nil)
      return
    }
    guard let description = Self.primitiveDescription(a, b, c, accumulates: shape.accumulates)
    else { preconditionFailure("no bfloat16 products here: ask isSupported first") }
    let needed = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0)
    scratch = needed?.pointee ?? dnnl_memory_desc_t()
    scratchBytes = needed.map { dnnl_memory_desc_get_size($0) } ?? 0
    var made: dnnl_primitive_t?
    Self.check(dnnl_primitive_create(&made, description), "dnnl_primitive_create")
    primitive = made
    dnnl_primitive_desc_destroy(description)
  }

  deinit { if let primitive { dnnl_primitive_destroy(primitive) } }

  /// C (+)= A B on the calling thread; `scratch` is aligned to 64 bytes.
  ///
  /// Costs 2·M·N·K FLOPs, which it counts.
  package func multiply(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, into result: UnsafeMutableRawPointer,
    scratch work: UnsafeMutableRawPointer, counters: inout WorkCounters
  ) {
    counters.flops += 2 * shape.rows * shape.columns * shape.inner
    guard let primitive else { return sum(left, right, into: result, work) }
    withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: 4) { arguments in
      arguments[0] = Self.argument(DNNL_ARG_SRC_0, a, left)
      arguments[1] = Self.argument(DNNL_ARG_WEIGHTS_0, b, right)
      arguments[2] = Self.argument(DNNL_ARG_DST_0, c, result)
      arguments[3] = Self.argument(DNNL_ARG_SCRATCHPAD, scratch, work)
      Self.check(
        dnnl_primitive_execute(primitive, Self.stream, 4, arguments.baseAddress),
        "dnnl_primitive_execute")
      for argument in arguments { dnnl_memory_destroy(argument.memory) }
    }
  }
}

// MARK: Sums in float32

extension BFloat16Product {
  private typealias Sum =
    @convention(c) (
      CChar, CChar, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, Float, UnsafeRawPointer, dnnl_dim_t,
      UnsafeRawPointer, dnnl_dim_t, Float, UnsafeMutablePointer<Float>, dnnl_dim_t
    ) -> dnnl_status_t

  /// oneDNN's product into float32, which its library has though its header does not declare it; nil
  /// where a build lacks it, and the primitive does everything.
  private static let sum: Sum? = dlsym(nil, "dnnl_gemm_bf16bf16f32").map {
    unsafeBitCast($0, to: Sum.self)
  }

  /// Where it is the faster of the two: for weight gradients, and for long sums.
  ///
  /// On a Zen 5 core, of the bfloat16 peak: 3,150 x 768 from 2,048 tokens 87 % against 77 %, 512 x
  /// 192 from 50,400 columns 80 % against 49 %; elsewhere the primitive is as fast or faster.
  private static func sums(_ shape: HalfProductShape) -> Bool {
    sum != nil && (shape.result == .float32 || shape.inner > 8192 && !shape.accumulates)
  }

  private func sum(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, into result: UnsafeMutableRawPointer,
    _ work: UnsafeMutableRawPointer
  ) {
    guard let sum = Self.sum else {
      preconditionFailure("the product has neither primitive nor sum")
    }
    let isFinal = shape.result == .float32
    let target = (isFinal ? result : work).assumingMemoryBound(to: Float.self)
    let stride = isFinal ? shape.strideC : shape.columns
    let (transposed, plain) = (CChar(84), CChar(78))  // ASCII T, N
    let status = sum(
      shape.transposesA ? transposed : plain, shape.transposesB ? transposed : plain,
      dnnl_dim_t(shape.rows), dnnl_dim_t(shape.columns), dnnl_dim_t(shape.inner), 1, left,
      dnnl_dim_t(shape.strideA), right, dnnl_dim_t(shape.strideB), shape.accumulates ? 1 : 0,
      target, dnnl_dim_t(stride))
    Self.check(status, "dnnl_gemm_bf16bf16f32")
    guard !isFinal else { return }
    for row in 0..<shape.rows {
      ElementFormat.bfloat16.narrow(
        target + row * stride, into: result + row * shape.strideC * 2, count: shape.columns)
    }
  }
}

// MARK: oneDNN's objects

extension BFloat16Product {
  private nonisolated(unsafe) static let engine: dnnl_engine_t? = {
    var engine: dnnl_engine_t?
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "dnnl_engine_create")
    return engine
  }()

  /// A processor's stream keeps no state: primitives run on the thread that asks.
  private nonisolated(unsafe) static let stream: dnnl_stream_t? = {
    var stream: dnnl_stream_t?
    check(
      dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)),
      "dnnl_stream_create")
    return stream
  }()

  private static func check(_ status: dnnl_status_t, _ call: String) {
    precondition(status == dnnl_success, "\(call): status \(status.rawValue)")
  }

  private static func description(
    _ rows: Int, _ columns: Int, _ stride: Int, transposed: Bool, _ type: dnnl_data_type_t
  ) -> dnnl_memory_desc_t {
    var description = dnnl_memory_desc_t()
    let sizes = [dnnl_dim_t(rows), dnnl_dim_t(columns)]
    let strides = transposed ? [1, dnnl_dim_t(stride)] : [dnnl_dim_t(stride), 1]
    check(
      dnnl_memory_desc_init_by_strides(&description, 2, sizes, type, strides),
      "dnnl_memory_desc_init_by_strides")
    return description
  }

  /// One operand of a call: the caller destroys its memory object, which owns no bytes.
  private static func argument(
    _ index: Int32, _ description: dnnl_memory_desc_t, _ start: UnsafeRawPointer
  ) -> dnnl_exec_arg_t {
    var memory: dnnl_memory_t?
    check(
      withUnsafePointer(to: description) {
        dnnl_memory_create(&memory, $0, engine, UnsafeMutableRawPointer(mutating: start))
      }, "dnnl_memory_create")
    return dnnl_exec_arg_t(arg: index, memory: memory)
  }

  /// Nil where this oneDNN has no such product for this processor.
  private static func primitiveDescription(
    _ a: dnnl_memory_desc_t, _ b: dnnl_memory_desc_t, _ c: dnnl_memory_desc_t, accumulates: Bool
  ) -> dnnl_primitive_desc_t? {
    var (a, b, c) = (a, b, c)
    var product = dnnl_matmul_desc_t()
    check(dnnl_matmul_desc_init(&product, &a, &b, nil, &c), "dnnl_matmul_desc_init")
    var attributes: dnnl_primitive_attr_t?
    var after: dnnl_post_ops_t?
    check(dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create")
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user)
    if accumulates {
      check(dnnl_post_ops_create(&after), "dnnl_post_ops_create")
      dnnl_post_ops_append_sum(after, 1)
      dnnl_primitive_attr_set_post_ops(attributes, after)
      dnnl_post_ops_destroy(after)
    }
    var description: dnnl_primitive_desc_t?
    let status = dnnl_primitive_desc_create(&description, &product, attributes, engine, nil)
    dnnl_primitive_attr_destroy(attributes)
    return status == dnnl_success ? description : nil
  }
}
