import Foundation
import Regression
import Testing

@testable import Benchmarking

@Suite("A benchmark process")
struct ProcessTests {
  @Test(
    "that fails says how",
    arguments: [
      ("read line; kill -SEGV $$", "the process was killed by signal 11"),
      ("read line; exit 3", "the process ended with code 3"),
      ("exit 0", "the process ended with code 0"),
      ("echo Unknown subcommand >&2; exit 64", "does not know `bench --serve`"),
      ("read line; echo '{\"released\":{}}'; exit 64", "replied '{\"released\":{}}'"),
      ("echo hello", "replied 'hello'"),
      ("printf '{\"rel'", "replied '{\"rel'"),
      ("read line; echo '[]'; cat", "replied '[]'"),
      ("exec sleep 60", "no reply to {\"list\":{}} within 1.0 s"),
      ("exec 1>&-; exec sleep 60", "the process was killed by signal 9"),
    ])
  func fails(script: String, reason: String) throws {
    let folder = try Folder()
    let process = try BenchmarkProcess(path: try folder.script(script))
    let error = try #require(throws: BenchmarkProcessError.self) {
      _ = try process.send(.list, timeLimit: script == "exec sleep 60" ? 1 : 30)
    }
    #expect(error.description.contains(reason), "\(error)")
    #expect(error.description.hasPrefix(process.path))
    // It stays so.
    #expect(throws: error) { _ = try process.send(.list) }
  }

  @Test("that was another schema's is refused")
  func otherSchema() throws {
    let folder = try Folder()
    let listing = BenchmarkReply.listing(
      BenchmarkListing(
        schemaVersion: 99, tool: .ofThisProcess(version: "9"), machine: .ofThisHost(),
        benchmarks: []))
    let path = try folder.script("read line; cat <<'END'\n\(encodedLine(listing))\nEND\ncat")
    #expect(throws: BenchmarkProcessError.otherSchema(path: path, theirs: 99, ours: 1)) {
      _ = try BenchmarkProcess(path: path).list()
    }
  }

  @Test("that is not there cannot be started")
  func missing() {
    #expect(throws: BenchmarkProcessError.cannotStart(path: "/no/such/file", errno: ENOENT)) {
      _ = try BenchmarkProcess(path: "/no/such/file")
    }
  }

  @Test("ends with its owner")
  func ends() throws {
    let folder = try Folder()
    let script = #"read line; printf '{"failed":{"reason":"%s"}}\n' $$; exec sleep 60"#
    var process: BenchmarkProcess? = try BenchmarkProcess(path: try folder.script(script))
    guard case .failed(let id) = try process?.send(.list) else { return #expect(Bool(false)) }
    let number = try #require(pid_t(id))
    #expect(kill(number, 0) == 0)
    process = nil
    #expect(kill(number, 0) != 0)
  }

  @Test("of this build counts the same as another")
  func countsAreEqual() throws {
    let names = [
      "kernels/gemm", "emulator/step_tp4_dp2", "estimate/pod16", "plans/pod4", "tokenizer/train",
      "checkpoint/safetensors_float32",
    ]
    func counts(_ name: String, in process: BenchmarkProcess) throws -> [Metric] {
      guard
        case .prepared(let prepared) = try process.send(
          .prepare(benchmark: name, counting: true))
      else {
        return []
      }
      // Files: one process in some dozens allocates twice more or less, which thresholds let pass.
      let isOfFiles = name.hasPrefix("checkpoint/")
      return prepared.counts.filter {
        $0.kind == .count && !(isOfFiles && $0.name.hasPrefix("heap_"))
      }
    }
    let (one, other) = (try BenchmarkProcess(path: binary), try BenchmarkProcess(path: binary))
    for name in names {
      let expected = try counts(name, in: one)
      #expect(!expected.isEmpty)
      #expect(try counts(name, in: other) == expected, "\(name)")
    }
    // In another order, after others.
    for name in names.reversed() {
      #expect(try counts(name, in: one) == counts(name, in: other), "\(name)")
    }
  }
}
