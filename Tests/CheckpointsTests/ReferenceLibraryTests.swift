import Foundation
import Testing

@testable import Checkpoints

@Suite(
  .enabled(
    if: python("import numpy, safetensors.numpy") != nil,
    "needs python3 with safetensors and numpy"))
struct ReferenceLibraryTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `the reference library reads what we write`() throws {
    let path = folder.file("ours.safetensors")
    try SafetensorsWriter.write(
      [("b\"é\u{1}", [2, 1], [1.5, -0.25]), ("a", [], [3]), ("none", [0], [])], to: path)
    let output = python(
      """
      import json, safetensors, sys
      with safetensors.safe_open(sys.argv[1], "numpy") as file:
        print(file.metadata())
        for key in sorted(file.keys()):
          tensor = file.get_tensor(key)
          print(ascii(key), tensor.dtype, tensor.shape, tensor.tolist())
      """, path)
    #expect(
      output == #"""
        {'format': 'pt'}
        'a' float32 () 3.0
        'b"\xe9\x01' float32 (2, 1) [[1.5], [-0.25]]
        'none' float32 (0,) []

        """#)
  }

  @Test func `we read what the reference library writes`() throws {
    let path = folder.file("theirs.safetensors")
    _ = python(
      """
      import numpy as np, safetensors.numpy, sys
      safetensors.numpy.save_file({
        "half": np.arange(6, dtype=np.float16).reshape(2, 3) / 4,
        "single": np.array(-1.5, np.float32), "long": np.array([2**40, -1]),
        "int \\n\\u00e9": np.array([7], np.int32), "bytes": np.arange(3, dtype=np.uint8),
        "empty": np.zeros((0, 2), np.float32)}, sys.argv[1], metadata={"format": "pt"})
      """, path)
    let file = try SafetensorsFile(path: path)
    #expect(file.names == ["bytes", "empty", "half", "int \né", "long", "single"])
    #expect(try file.floats(of: "half") == [0, 0.25, 0.5, 0.75, 1, 1.25])
    #expect(try file.shape(of: "half") == [2, 3])
    #expect(try file.floats(of: "single") == [-1.5] && file.shape(of: "single") == [])
    #expect(try file.ints(of: "long") == [1 << 40, -1])
    #expect(try file.ints(of: "int \né") == [7])
    #expect(try file.floats(of: "empty") == [] && file.shape(of: "empty") == [0, 2])
  }

  @Test func `we refuse whatever the reference library refuses`() throws {
    var random = SplitMix64(state: 2)
    let headers =
      hostileHeaders.map { Array($0.json.utf8) } + (0..<600).map { _ in mutatedHeader(&random) }
    for (index, header) in headers.enumerated() {
      _ = try folder.file(
        "\(index)",
        holding: littleEndian(UInt64(header.count)) + header + [UInt8](repeating: 0, count: 8))
    }
    let output = try #require(
      python(
        """
        import safetensors, sys
        for index in range(int(sys.argv[2])):
          try:
            with safetensors.safe_open(f"{sys.argv[1]}/{index}", "numpy") as file:
              print(len(file.keys()))
          except safetensors.SafetensorError:
            print("refused")
        """, folder.path, "\(headers.count)"))
    let verdicts = output.split(separator: "\n")
    try #require(verdicts.count == headers.count)
    var both = 0
    for (index, verdict) in verdicts.enumerated() {
      guard let file = try? SafetensorsFile(path: folder.file("\(index)")) else { continue }
      #expect(
        verdict == "\(file.names.count)", "\(String(decoding: headers[index], as: UTF8.self))")
      both += 1
    }
    #expect(both > 10)
  }
}
