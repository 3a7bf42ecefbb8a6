// swift-tools-version: 6.2
import PackageDescription

/// One settings list for every Swift target: no target is built by looser rules than another.
let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// A module and the modules it may import: the edges of the design, nothing else.
func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

/// The tests of one module; `and` names what they need beside it and its dependencies.
func tests(
  of module: String, and others: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
  .testTarget(
    name: "\(module.replacing("gptj-bench", with: "Command"))Tests",
    dependencies: [.byName(name: module)] + others, resources: resources,
    swiftSettings: swiftSettings)
}

/// A Debian library: its module map names the library, its package is what `Scripts/install` asks.
func library(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
  name: "gptj-bench",
  products: [.executable(name: "gptj-bench", targets: ["gptj-bench"])],
  targets: [
    // Commands only.
    .executableTarget(
      name: "gptj-bench",
      dependencies: [
        "ArgumentParsing", "Benchmarking", "Checkpoints", "Configuration", "CostModel", "Datasets",
        "Emulator", "FineTuning", "GPTJ", "HostMeasurement", "Kernels", "ModelEstimates",
        "PlanSearch", "Program", "PublishedFigures", "Regression", "Reporting", "Topology", "Trace",
        "Transformers",
      ],
      swiftSettings: swiftSettings),

    // How fast the project itself is, and whether that changed.
    module(
      "Benchmarking",
      [
        "Checkpoints", "Collectives", "Configuration", "CostModel", "Datasets", "Emulator",
        "FineTuning", "GPTJ", "Kernels", "NearestName", "PlanSearch", "Program", "Regression",
        "Topology", "CProcess", "CHwloc", "COneDNN", "COpenBLAS",
      ]),
    module(
      "Regression", ["Configuration", "NearestName", "Reporting"],
      resources: [.embedInCode("Resources")]),

    // Above the Program: what to build, run, time and write down.
    module(
      "PlanSearch",
      [
        "GPTJ", "CostModel", "Configuration", "ModelEstimates", "Program", "Topology",
        "Transformers",
      ]),
    // Published figures beside the model's, and what was solved from them.
    module(
      "PublishedFigures",
      [
        "Configuration", "CostModel", "GPTJ", "ModelEstimates", "Program", "Topology",
        "Transformers",
      ]),
    module("ModelEstimates", ["Transformers", "CostModel", "Program", "Topology"]),
    module(
      "FineTuning",
      ["Emulator", "GPTJ", "Datasets", "Checkpoints", "Configuration", "Program"]),
    module(
      "HostMeasurement",
      [
        "Configuration", "CostModel", "Datasets", "Emulator", "FineTuning", "GPTJ", "Kernels",
        "Program", "Topology", "CProcess",
      ]),
    module("Trace", ["Program", "CostModel", "Emulator"]),
    module("Emulator", ["Program", "Kernels", "Collectives", "Topology"]),
    module("CostModel", ["Program", "Topology"]),
    module("GPTJ", ["Program", "Configuration"]),
    module("Transformers", ["Program", "Configuration", "NearestName"]),

    // The one idea: a training step as data.
    module("Program"),

    // Below it: machines, numbers, files, text.
    module("Collectives", ["Topology", "CKernels"]),
    module(
      "Topology", ["Configuration", "NearestName", "CHwloc", "CNUMA"],
      resources: [.embedInCode("Resources")]),
    module("Kernels", ["CKernels", "COneDNN", "COpenBLAS"]),
    module(
      "Datasets", ["Configuration", "NearestName", "CSnappy", "CXXHash", "CZlib", "CZstd"],
      resources: [.embedInCode("Resources")]),
    module("Checkpoints", ["NearestName", "CZlib"]),
    module(
      "Configuration", ["NearestName", "CYAML"], resources: [.embedInCode("Resources")]),
    module("Reporting"),
    module("ArgumentParsing", ["NearestName"]),
    module("NearestName"),

    // C: vector loops with dispatch at run time. -O3 wins over SwiftPM's -O0, so debug tests are fast.
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),
    // C: what Swift cannot ask of a process. In the executable it stands before malloc.
    .target(name: "CProcess"),
    library("COneDNN", apt: "libdnnl-dev"),
    library("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    library("CHwloc", pkgConfig: "hwloc", apt: "libhwloc-dev"),
    library("CNUMA", pkgConfig: "numa", apt: "libnuma-dev"),
    library("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    library("CSnappy", apt: "libsnappy-dev"),
    library("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev"),
    library("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    library("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),

    tests(
      of: "gptj-bench", and: ["Configuration", "Topology", "CostModel"],
      resources: [.copy("Golden")]),
    tests(
      of: "Benchmarking",
      and: [
        "CProcess", "Configuration", "Datasets", "Emulator", "FineTuning", "GPTJ", "Kernels",
        "Program", "Regression", "gptj-bench",
      ]),
    tests(of: "Regression"),
    tests(of: "PlanSearch", and: ["Configuration", "Topology"]),
    tests(of: "PublishedFigures"),
    tests(
      of: "FineTuning",
      and: [
        "Checkpoints", "Configuration", "Emulator", "GPTJ", "PlanSearch", "Program", "Topology",
      ],
      resources: [.copy("Fixtures")]),
    tests(
      of: "HostMeasurement", and: ["Configuration", "CostModel", "GPTJ", "Program", "Topology"]),
    tests(of: "Trace", and: ["Configuration", "GPTJ", "Topology"]),
    tests(of: "Emulator", and: ["Configuration", "GPTJ", "Kernels", "Program", "Topology"]),
    tests(of: "CostModel", and: ["Configuration", "GPTJ", "Program", "Topology"]),
    tests(of: "GPTJ", and: ["Configuration", "Program"]),
    tests(of: "ModelEstimates", and: ["Configuration", "Transformers", "CostModel", "Topology"]),
    tests(of: "Transformers", and: ["Configuration", "GPTJ", "Program"]),
    tests(of: "Program"),
    tests(of: "Collectives", and: ["CKernels"]),
    tests(of: "Topology", and: ["Configuration"]),
    tests(of: "Kernels", and: ["CKernels"]),
    tests(of: "Datasets", resources: [.copy("Fixtures")]),
    tests(of: "Checkpoints", and: ["CZlib"]),
    tests(of: "Configuration"),
    tests(of: "Reporting"),
    tests(of: "ArgumentParsing"),
    tests(of: "NearestName"),
  ],
  swiftLanguageModes: [.v6]
)
