import Foundation

extension WrongInput {
  static let topologyFiles: [WrongInput] = [
    WrongInput(pod: pod16(("  clock:", "  clok:")), "pod.yml:11:3:", "'clok'", "'clock'?"),
    WrongInput(
      pod: pod16(("unit: GHz", "unit: MHz")), "pod.yml:11:31:", "ipu.clock", "MHz", "GHz"),
    WrongInput(
      pod: pod16(("value: 624,", "value: -624,")), "pod.yml:10:27:", "ipu.sram_per_tile", "-624"),
    WrongInput(
      pod: pod16(("value: 1472,", "value: 1e30,")), "pod.yml:8:19:", "ipu.tiles"),
    WrongInput(
      pod: pod16(("  threads_per_tile:", "  tiles:")), "pod.yml:9:3:", "'tiles'", "line 8"),
    WrongInput(
      pod: pod16(("  per_ipu: {", "  per_ipv: {")), "pod.yml:", "links.per_ipu", "'per_ipv'"),
    WrongInput(pod: bomb, "pod.yml:", "alias"),
    WrongInput(pod: "", "pod.yml"),
    WrongInput(pod: "name: [pod", "pod.yml:"),
    notUTF8,
  ]

  static let configurations: [WrongInput] = [
    WrongInput(configuration: "model:\n  layer: 2\n", "my.yml:2:3:", "'model.layer'", "'layers'?"),
    WrongInput(
      configuration: "training:\n  optimizer:\n    learning_rate:\n      beta1: 0.9\n",
      "my.yml:4:7:", "belongs to training.optimizer", "'training.optimizer.beta1'?"),
    WrongInput(configuration: "model:\n  layers: two\n", "my.yml:2:11:", "'two'", "an integer"),
    WrongInput(configuration: "model:\n  layers: [2]\n", "my.yml:2:11:", "a list", "an integer"),
    WrongInput(
      configuration: "model:\n  layers: 99999999999999999999999\n", "my.yml:2:11:",
      "from 1 to 10000"),
    WrongInput(
      configuration: "model:\n  layers: 2\n  layers: 3\n", "my.yml:3:3:", "'layers'"),
    WrongInput(
      configuration: "model:\n  hidden_size: 100\n", "my.yml:2:16:", "96 or 112"),
    WrongInput(configuration: "- a\n", "my.yml:1:1:"),
    WrongInput("estimate --set model.layers", 64, "--set model.layers", "KEY=VALUE"),
    WrongInput("estimate --set =2", 64, "--set =2", "KEY=VALUE"),
    WrongInput("estimate --set model.layer=2", 64, "--set model.layer=2", "'layers'?"),
    WrongInput(
      "estimate --set training.beta1=0.9", 64, "--set training.beta1=0.9",
      "belongs to training.optimizer"),
    WrongInput("estimate --set model.layers=1e99", 64, "model.layers", "an integer"),
  ]

  /// The built-in file with one place changed.
  private static func pod16(_ change: (from: String, to: String)) -> String {
    let text = (try? Repository.text("topologies/pod16.yml")) ?? ""
    precondition(text.contains(change.from), "pod16.yml has no '\(change.from)'")
    return text.replacing(change.from, with: change.to, maxReplacements: 1)
  }

  /// Ten aliases in each of eight lists, each of which stands for the list before.
  private static let bomb: String = {
    let lists = (1...8).map { level in
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      return "l\(level): &a\(level) [\(items)]\n"
    }
    return "l0: &a0 [x]\n" + lists.joined()
  }()

  private static let notUTF8: WrongInput = {
    var input = WrongInput(pod: "", "pod.yml:2:8:", "not UTF-8")
    input.files = ["pod.yml": Data("a: 1\nname: p".utf8) + [0xFF, 0xFE]]
    return input
  }()
}
