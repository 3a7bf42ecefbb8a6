package import Kernels
import NearestName

/// A kernel of the emulator in one format: what it is checked with, and how fast it can be.
package struct KernelRow: Sendable, CustomStringConvertible {
  /// Whose code computes.
  package enum Engine: String, Sendable {
    /// Our own, on the vector path that the machine has.
    case own
    case oneDNN = "onednn"
    case openBLAS = "openblas"
  }

  /// What a kernel's speed is counted in, and held against.
  package enum Bound: Sendable {
    /// Floating-point operations, against multiply-adds in registers.
    case operations
    /// Bytes, each operand once, against the fastest pass over memory of the same kind.
    case bytes(MemoryPass)

    package var isBytes: Bool { if case .bytes = self { true } else { false } }
  }

  /// Passes over memory that differ in speed: what is written anew is read as well, uncounted.
  package enum MemoryPass: String, CaseIterable, Sendable {
    /// Most of it only read, as a sum of squares does.
    case reading
    /// Read and written in place: x = s·x.
    case updating
    /// Written elsewhere: a = b + s·c.
    case writing
  }

  package let name: String
  /// The operands whose speed is measured.
  package let shape: String
  package let format: ElementFormat
  package let engine: Engine
  package let bound: Bound
  /// Odd sizes, small enough for double and for finite differences.
  let small: @Sendable () -> KernelCall
  /// Sizes of a GPT-J of 768 columns; what is bound by memory does not fit the caches.
  let large: @Sendable () -> KernelCall

  package var description: String { "\(name) \(format)" }

  /// The largest relative error that is right: rounding of the results, and of sums in float32.
  package var tolerance: Double { format == .float32 ? 1e-5 : 1e-2 }

  /// Float16 is float32 behind other loads and stores, of the same size as bfloat16's.
  private static let formats: [ElementFormat] = [.float32, .bfloat16]

  package static let all = products + rows + vectors

  /// Those that have `text` in their names; never nothing.
  ///
  /// - Throws: `NothingSelected` with the nearest name.
  package static func all(named text: String) throws(NothingSelected) -> [KernelRow] {
    let rows = all.filter { text.isEmpty || $0.name.contains(text) }
    guard rows.isEmpty else { return rows }
    let meant = nearest(text, in: all.map(\.name)).map { ", did you mean \($0)?" } ?? ""
    throw NothingSelected("none of \(all.count) kernels has '\(text)' in its name\(meant)")
  }

  init(
    _ name: String, _ shape: String, _ format: ElementFormat, _ bound: Bound,
    engine: Engine = .own, small: @escaping @Sendable () -> KernelCall,
    large: @escaping @Sendable () -> KernelCall
  ) {
    self.name = name
    self.shape = shape
    self.format = format
    self.bound = bound
    self.engine = engine
    self.small = small
    self.large = large
  }
}

// MARK: - Products and attention

extension KernelRow {
  private static let products: [KernelRow] =
    [
      linear(.float32, .oneDNN), linear(.bfloat16, .oneDNN), linear(.float32, .openBLAS),
    ].flatMap(\.self)
    + [
      KernelRow(
        "few_rows", "8x512 · 512x4096^T", .float32, .operations,
        small: { .product(m: 3, n: 41, k: 65, transposesB: true) },
        large: { .product(m: 8, n: 4096, k: 512, transposesB: true) })
    ] + formats.flatMap(attention)
    + [
      KernelRow(
        "attention_cached", "8 sequences of 2,048 tokens, 16 heads of 64", .float32,
        .bytes(.reading),
        small: { .cachedAttention(sequences: 2, capacity: 32, heads: 2, headDim: 10) },
        large: { .cachedAttention(sequences: 8, capacity: 2048, heads: 16, headDim: 64) })
    ]

  /// A linear layer's three products, on 1,024 tokens from 768 columns to 3,072.
  private static func linear(_ format: ElementFormat, _ backend: GEMMBackend) -> [KernelRow] {
    let engine = backend == .oneDNN ? Engine.oneDNN : .openBLAS
    return [
      KernelRow(
        "linear", "1024x768 · 768x3072", format, .operations, engine: engine,
        small: {
          .product(m: 97, n: 101, k: 65, transposesB: true, as: format, backend: backend)
        },
        large: {
          .product(m: 1024, n: 3072, k: 768, transposesB: true, as: format, backend: backend)
        }),
      KernelRow(
        "linear_input_gradient", "1024x3072 · 3072x768", format, .operations, engine: engine,
        small: { .product(m: 29, n: 41, k: 65, as: format, backend: backend) },
        large: { .product(m: 1024, n: 768, k: 3072, as: format, backend: backend) }),
      KernelRow(
        "linear_weight_gradient", "3072x1024 · 1024x768", format, .operations, engine: engine,
        small: { .product(m: 29, n: 41, k: 65, transposesA: true, as: format, backend: backend) },
        large: {
          .product(m: 3072, n: 768, k: 1024, transposesA: true, as: format, backend: backend)
        }),
    ]
  }

  private static func attention(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, Attention.Pass)] = [
      ("attention", .forward), ("attention_gradient", .backward),
    ]
    return passes.map { name, pass in
      KernelRow(
        name, "1,024 tokens, 12 heads of 64", format, .operations,
        small: { .attention(pass, sequence: 37, heads: 2, headDim: 10, as: format) },
        large: { .attention(pass, sequence: 1024, heads: 12, headDim: 64, as: format) })
    }
  }
}

// MARK: - Kernels of rows

extension KernelRow {
  private static let rows = formats.flatMap { format in
    layerNorm(format) + crossEntropy(format) + rotary(format) + embedding(format) + bias(format)
  }

  private static func layerNorm(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, KernelPass, MemoryPass)] = [
      ("layer_norm", .forward, .writing), ("layer_norm_gradient", .backward, .writing),
      ("layer_norm_parameter_gradient", .parameters, .reading),
    ]
    return passes.map { name, pass, memory in
      KernelRow(
        name, "16,384x768", format, .bytes(memory),
        small: { .layerNorm(pass, rows: 5, width: 37, as: format) },
        large: { .layerNorm(pass, rows: 16_384, width: 768, as: format) })
    }
  }

  private static func crossEntropy(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, KernelPass, MemoryPass)] = [
      ("cross_entropy", .forward, .reading), ("cross_entropy_gradient", .backward, .updating),
    ]
    return passes.map { name, pass, memory in
      KernelRow(
        name, "512x50,400", format, .bytes(memory),
        small: { .crossEntropy(pass, rows: 7, columns: 45, valid: 41, as: format) },
        large: { .crossEntropy(pass, rows: 512, columns: 50_400, valid: 50_400, as: format) })
    }
  }

  private static func rotary(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, KernelPass)] = [("rotary", .forward), ("rotary_gradient", .backward)]
    return passes.map { name, pass in
      KernelRow(
        name, "16,384 tokens, 12 heads of 64", format, .bytes(.updating),
        small: {
          .rotary(
            pass, rows: 9, sequence: 5, heads: 2, headDim: 12, rotaryDim: 6, as: format)
        },
        large: {
          .rotary(
            pass, rows: 16_384, sequence: 1024, heads: 12, headDim: 64, rotaryDim: 64, as: format)
        })
    }
  }

  private static func embedding(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, KernelPass, MemoryPass)] = [
      ("embedding", .forward, .writing), ("embedding_gradient", .backward, .updating),
    ]
    return passes.map { name, pass, memory in
      KernelRow(
        name, "8,192 tokens of 50,400, 768 columns", format, .bytes(memory),
        small: { .embedding(pass, tokens: 23, width: 19, rows: 11, as: format) },
        large: { .embedding(pass, tokens: 8192, width: 768, rows: 50_400, as: format) })
    }
  }

  private static func bias(_ format: ElementFormat) -> [KernelRow] {
    let passes: [(String, KernelPass, MemoryPass)] = [
      ("bias", .forward, .updating), ("bias_gradient", .parameters, .reading),
    ]
    return passes.map { name, pass, memory in
      KernelRow(
        name, "8,192x3,072", format, .bytes(memory),
        small: { .bias(pass, rows: 9, width: 37, as: format) },
        large: { .bias(pass, rows: 8192, width: 3072, as: format) })
    }
  }
}

// MARK: - Kernels of vectors

extension KernelRow {
  private static let vectors =
    formats.flatMap(elementwise) + [
      KernelRow(
        "sum_of_squares", "16,777,216 elements", .float32, .bytes(.reading),
        small: { .sumOfSquares(count: 413) },
        large: { .sumOfSquares(count: 1 << 24) }),
      KernelRow(
        "tree_reduction", "16 sources of 1,048,576", .float32, .bytes(.reading),
        small: { .treeReduction(sources: 7, count: 413) },
        large: { .treeReduction(sources: 16, count: 1 << 20) }),
    ]

  private static func elementwise(_ format: ElementFormat) -> [KernelRow] {
    let shape = "16,777,216 elements"
    return [
      KernelRow(
        "gelu", shape, format, .bytes(.writing),
        small: { .gelu(.forward, count: 413, as: format) },
        large: { .gelu(.forward, count: 1 << 24, as: format) }),
      KernelRow(
        "gelu_gradient", shape, format, .bytes(.writing),
        small: { .gelu(.backward, count: 413, as: format) },
        large: { .gelu(.backward, count: 1 << 24, as: format) }),
      KernelRow(
        "sum_of_three", shape, format, .bytes(.writing),
        small: { .sumOfThree(count: 413, as: format) },
        large: { .sumOfThree(count: 1 << 24, as: format) }),
      KernelRow(
        "dropout", "16,384x768, 10 %", format, .bytes(.writing),
        small: { .dropout(rows: 9, width: 37, sequence: 5, as: format) },
        large: { .dropout(rows: 16_384, width: 768, sequence: 1024, as: format) }),
      KernelRow(
        "adamw", "16,777,216 weights", format, .bytes(.updating),
        small: { .adamW(count: 413, rate: 1e-3, as: format) },
        large: { .adamW(count: 1 << 24, as: format) }),
    ]
  }
}
