import Foundation
import Testing

@Suite("Modelled and measured time are two witnesses")
struct WitnessTests {
  /// The names of the modules that the files of a module import.
  private func imports(of module: String) throws -> (files: Int, modules: Set<String>) {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/\(module)")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") }
    var modules: Set<String> = []
    for name in names {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place <= 2, place + 1 < words.count
        else { continue }
        modules.insert(String(words[place + 1]))
      }
    }
    return (names.count, modules)
  }

  @Test("The cost model imports nothing that computes or measures")
  func costModel() throws {
    let (files, modules) = try imports(of: "CostModel")
    #expect(files > 5)
    #expect(modules.contains("Program"))
    #expect(modules.isSubset(of: ["Program", "Topology", "FoundationEssentials", "Glibc"]))
  }

  @Test("The emulator imports nothing that models")
  func emulator() throws {
    let (files, modules) = try imports(of: "Emulator")
    #expect(files > 5)
    #expect(modules.contains("Kernels"))
    #expect(modules.isDisjoint(with: ["CostModel", "GPTJ", "Configuration"]))
  }
}
