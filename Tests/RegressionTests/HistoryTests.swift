import Glibc
import Testing

@testable import Regression

struct HistoryTests {
  @Test(arguments: [3, 6, 10, 17])
  func `A planted step is found at its place`(place: Int) {
    var noise = Noise(state: UInt64(place))
    let values = (0..<20).map { index in
      exp((index < place ? 0 : 0.05) + 0.003 * noise.normal())
    }
    let steps = StepChange.steps(ofTimes: values, tolerance: 0.01)
    #expect(steps.map(\.index) == [place])
    // 3 of 20 are 1 split in 1140; corrected for 15 places.
    #expect(steps.allSatisfy { ($0.pValue ?? 1) < 0.05 })
  }

  @Test func `Two steps are found, the second back to where it was`() {
    var noise = Noise(state: 5)
    let values = (0..<36).map { index in
      exp((12..<24 ~= index ? 0.1 : 0) + 0.003 * noise.heavyTailed(1))
    }
    #expect(StepChange.steps(ofTimes: values, tolerance: 0.01).map(\.index) == [12, 24])
  }

  @Test func `Noise alone is rarely a step`() {
    var noise = Noise(state: 6)
    let found = (0..<300).count { _ in
      let values = noise.series(24, 0.03).map { exp($0) }
      return !StepChange.steps(ofTimes: values, tolerance: 0).isEmpty
    }
    #expect(found <= 24)
  }

  @Test func `A step below the tolerance is none`() {
    let values = (0..<20).map { (index: Int) -> Double in
      let wobble = Double(index * 7 % 5) * 1e-6
      return wobble + (index < 10 ? 1.0 : 1.005)
    }
    #expect(StepChange.steps(ofTimes: values, tolerance: 0.01).isEmpty)
    #expect(StepChange.steps(ofTimes: values, tolerance: 0).map(\.index) == [10])
  }

  @Test func `Each change of a count is a step`() {
    let steps = StepChange.steps(ofExact: [5, 5, 6, 6, 5, 0, 0], tolerance: 0)
    #expect(steps.map(\.index) == [2, 4, 5])
    #expect(StepChange.steps(ofExact: [100, 101, 102, 103], tolerance: 0.02).map(\.index) == [3])
    #expect(StepChange.steps(ofExact: [], tolerance: 0).isEmpty)
    #expect(StepChange.steps(ofTimes: [1, 2, 3], tolerance: 0).isEmpty)
  }

  @Test func `A history is in order of time, of the newest machine and plan`() throws {
    var files = (0..<12).map { index in
      let seconds = exp((index < 6 ? 0 : 0.1) + Double(index % 3) * 0.002)
      return (
        file: "\(index).json",
        result: Sample.result(
          [Sample.time([seconds], calibration: [0.5]), Sample.count(index < 9 ? 4 : 3)],
          startedAt: "2026-01-\(10 + index)T00:00:00Z")
      )
    }
    files[2].result.machine.cpu = "Other"
    files[3].result.benchmarks[0].plan = "another"
    files[4].result.benchmarks[0].metrics.removeLast()
    files.shuffle()
    let history = try History(files, directory: "results", thresholds: Sample.thresholds)
    #expect(history.results == 11)
    #expect(history.skipped.map(\.file) == ["2.json", "3.json"])
    let (times, counts) = (history.series[0], history.series[1])
    #expect(times.points.map(\.file) == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11].map { "\($0).json" })
    #expect(times.isCalibrated && times.points[0].value == 2)
    #expect(times.steps.map(\.file) == ["6.json"] && times.steps[0].isWorse)
    #expect(counts.points.count == 9)
    #expect(counts.steps.map(\.file) == ["9.json"] && !counts.steps[0].isWorse)
    #expect(counts.steps[0].before == 4 && counts.steps[0].after == 3)
    #expect(history.text.contains("2 step changes in 11 results, 2 metrics each."))
    #expect(history.text.contains("Skipped 1 result: another plan of kernels/gelu."))
    #expect(history.text.contains("2026-01-19T00:00:00Z  kernels/gelu/heap_allocations"))
  }

  @Test func `A directory is read whole, and what is no result stops it`() throws {
    #expect(try history(Sample.text(), "a.json").results == 1)
    #expect { try history("x", "a.txt") } throws: { error in
      "\(error)".contains("it has no results, expected files that end in .json")
    }
    #expect { try history("x", "a.json") } throws: { error in
      "\(error)".contains("a.json: it is truncated or not JSON")
    }
    #expect { try History.read(directory: "/no/such", thresholds: .builtIn()) } throws: { error in
      (error as? RegressionError)?.exitStatus == 66
    }
  }

  private func history(_ text: String, _ name: String) throws -> History {
    try withFile(text, name: name) { _, folder in
      try History.read(directory: folder, thresholds: .builtIn())
    }
  }
}
