import Foundation
import Testing

@testable import Checkpoints

/// Files that torch wrote, beside what torch says is in them.
@Suite(.enabled(if: python("import torch") != nil, "needs python3 with torch"))
struct TorchTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Saves in every form that state dicts have, and prints the tensors of each file in JSON.
  private static let program = """
    import collections, json, sys, torch
    torch.manual_seed(1)
    matrix = torch.randn(37, 70)
    linear = torch.nn.Linear(3, 2)
    views = {"matrix": matrix, "transposed": matrix.T, "rows": matrix[3:9],
             "columns": matrix[:, 5:11], "steps": matrix[::4, ::9], "column": matrix[:, 2],
             "expanded": matrix[0].expand(3, 70), "scalar": matrix[2, 2],
             "empty": torch.zeros(0, 4), "permuted": torch.randn(2, 3, 4, 5).permute(3, 1, 0, 2)}
    types = {"half": matrix.half().T, "brain": matrix.bfloat16(), "single": matrix}
    many = {f"t{i}": torch.full((2,), float(i)) for i in range(400)}
    files = {
      "views": (views, {}), "types": (types, {}), "many": (many, {}),
      "module": (linear.state_dict(), {}),
      "parameters": (collections.OrderedDict(linear.named_parameters()), {}),
      "protocol 4": (views, {"pickle_protocol": 4}),
      "older views": (views, {"_use_new_zipfile_serialization": False}),
      "older types": (types, {"_use_new_zipfile_serialization": False}),
      "older module": (linear.state_dict(), {"_use_new_zipfile_serialization": False}),
    }
    answer = {}
    for name, (tensors, options) in files.items():
      torch.save(tensors, f"{sys.argv[1]}/{name}", **options)
      answer[name] = {key: [list(t.shape), t.detach().float().contiguous().flatten().tolist()]
                      for key, t in tensors.items()}
    print(json.dumps(answer))
    """

  private struct Tensor: Decodable {
    var shape: [Int]
    var values: [Float]

    init(from decoder: any Decoder) throws {
      var pair = try decoder.unkeyedContainer()
      shape = try pair.decode([Int].self)
      values = try pair.decode([Float].self)
    }
  }

  @Test func `Every form that torch writes is read bit for bit`() throws {
    let answer = try #require(python(Self.program, folder.path))
    let files = try JSONDecoder().decode(
      [String: [String: Tensor]].self, from: Data(answer.utf8))
    #expect(files.count == 9)
    for (name, tensors) in files {
      let file = try PyTorchFile(path: folder.file(name))
      #expect(Set(file.names) == Set(tensors.keys), "\(name)")
      for (key, tensor) in tensors {
        #expect(try file.shape(of: key) == tensor.shape, "\(name) \(key)")
        #expect(try file.floats(of: key) == tensor.values, "\(name) \(key)")
      }
    }
  }

  /// What is more than tensors, and what must be named.
  private static let refused = [
    ("torch.nn.Linear(1, 1)", "torch.nn.modules.linear.Linear"),
    ("torch.device('cpu')", "torch.device"), ("{'a': torch.Size([1])}", "torch.Size"),
    ("{'a': torch.float32}", "torch.float32"), ("{'a': slice(1)}", "slice"),
    ("{'a': torch.zeros(2).to_sparse()}", "_rebuild_sparse_tensor"),
    ("{'a': torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8)}", "_rebuild_qtensor"),
    ("{'a': torch.zeros(1).untyped_storage()}", "UntypedStorage"),
  ]

  @Test func `What is more than tensors is refused by name`() throws {
    // All in one process: torch takes seconds to start.
    let saves = Self.refused.enumerated().flatMap { index, refused in
      ["True", "False"].map {
        "torch.save(\(refused.0), f'{sys.argv[1]}/\(index) \($0)', "
          + "_use_new_zipfile_serialization=\($0))"
      }
    }
    let program = (["import sys, torch"] + saves).joined(separator: "\n")
    try #require(python(program, folder.path) != nil)
    for (index, refused) in Self.refused.enumerated() {
      for form in ["True", "False"] {
        #expect("\(refused.0)") { try PyTorchFile(path: folder.file("\(index) \(form)")) } throws: {
          "\($0)".contains(refused.1)
        }
      }
    }
  }
}
