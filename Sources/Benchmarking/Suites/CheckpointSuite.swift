import Checkpoints
import Regression

extension Benchmark {
  /// A safetensors file written to the disk and read again.
  static let checkpoint: [Benchmark] = [
    safetensors("safetensors_float32", .float32), safetensors("safetensors_float16", .float16),
  ]

  private static func safetensors(_ name: String, _ type: FloatType) -> Benchmark {
    let plan = "4 tensors of 512x512, \(type.rawValue), written, synchronized and read"
    return Benchmark("checkpoint/\(name)", plan, .memory, waits: true) {
      let folder = try TemporaryFolder()
      let shapes = (0..<4).map { TensorShape(name: "layer.\($0).weight", shape: [512, 512]) }
      let values = (0..<(512 * 512)).map { noiseValue($0, seed: 1) }
      var bytes = 0
      return Workload {
        let path = "\(folder.path)/model.safetensors"
        try SafetensorsWriter.write(shapes, as: type, to: path) { _ in values }
        let file = try SafetensorsFile(path: path)
        bytes = try file.names.reduce(0) { $0 + (try file.floats(of: $1).count) * 4 }
      } counts: {
        [Counts.metric("read_bytes", bytes, "B"), folder.fileBytes]
      }
    }
  }
}
