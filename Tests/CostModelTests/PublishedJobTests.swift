import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("The notebook's job on a Bow Pod16: 2 h 47 min and $74")
struct PublishedJobTests {
  private func job(
    _ model: GPTJModel = gptj6B, tensorParallel: Int = 16, _ change: (inout Job) -> Void = { _ in }
  ) throws -> JobEstimate {
    var job = Job()
    change(&job)
    return try estimator().estimate(
      job, training: trainingStep(model, tensorParallel: tensorParallel),
      pass: (inferencePass(model, tensorParallel: tensorParallel), 16))
  }

  @Test("Every part of the time line and the total agree with what is published")
  func published() throws {
    let estimate = try job()
    #expect((20 * 0.97...22 * 1.03).contains(estimate.step.seconds))
    #expect(isWithin(0.05, estimate.compileSeconds, of: 600))
    #expect(isWithin(0.01, estimate.loadSeconds, of: 480))
    #expect(estimate.checkpoints.count == 5)
    #expect(isWithin(0.01, estimate.checkpoints.secondsEach, of: 56))
    let evaluation = try #require(estimate.evaluation)
    #expect(isWithin(0.05, evaluation.compileSeconds, of: 240))
    #expect(isWithin(0.01, evaluation.passesSeconds, of: 420))
    #expect(evaluation.passes == 1450)
    #expect(isWithin(0.03, estimate.totalSeconds, of: 10_020))
    #expect(isWithin(0.03, estimate.costUSD, of: 74))
  }

  @Test("The parts add up to the total")
  func sum() throws {
    let estimate = try job()
    let evaluation = try #require(estimate.evaluation)
    let parts =
      estimate.compileSeconds + estimate.loadSeconds + estimate.stepsSeconds
      + estimate.checkpoints.seconds + evaluation.compileSeconds + evaluation.passesSeconds
    #expect(isWithin(1e-12, parts, of: estimate.totalSeconds))
    #expect(estimate.totalSecondsLow < estimate.totalSeconds)
    #expect(estimate.totalSeconds < estimate.totalSecondsHigh)
  }

  @Test("Compilation and loading grow with layers and with tensor parallelism")
  func response() throws {
    var deep = gptj6B
    deep.layers = 56
    let (base, deeper, narrower) = (try job(), try job(deep), try job(tensorParallel: 4))
    #expect(deeper.compileSeconds > base.compileSeconds)
    #expect(deeper.loadSeconds > 1.5 * base.loadSeconds)
    #expect(narrower.compileSeconds < base.compileSeconds)
    #expect(narrower.loadSeconds < base.loadSeconds)
  }

  @Test("The time line's seconds and cents add up as printed, whatever they are")
  func timeline() throws {
    for steps in [0, 1, 7, 400, 12_345] {
      let line = try job { $0.steps = steps }.timeline
      #expect(line.parts.reduce(0) { $0 + $1.seconds } == line.seconds)
      #expect(line.parts.reduce(0) { $0 + $1.cents } == line.cents)
    }
    let estimate = try job()
    #expect(abs(Double(estimate.timeline.seconds) - estimate.totalSeconds) <= 0.5)
    #expect(abs(Double(estimate.timeline.cents) / 100 - estimate.costUSD) <= 0.005)
    #expect(estimate.timeline.parts.map(\.name).first == "compile")
  }

  @Test("A replica of more IPUs compiles longer, more replicas do not")
  func replicas() throws {
    let program = try trainingStep()
    let estimator = try estimator()
    let seconds = [1, 2, 4].map { estimator.compileSeconds(of: program, ipusPerReplica: $0) }
    #expect(isWithin(1e-9, seconds[2] - seconds[0], of: 3 * (seconds[1] - seconds[0])))
    let replicas = try trainingStep(dataParallel: 4)
    // Shards are gathered and reduced: a few operations more, not four times as many.
    #expect(try CostModelTests.estimator("pod64").compileSeconds(of: replicas) < 1.5 * seconds[0])
    #expect(estimator.hostBytes(of: program).load > 2 * 60_000_000_000)
  }

  @Test("A cached executable leaves seconds of compilation, and the same load")
  func cache() throws {
    let (miss, hit) = (try job(), try job { $0.isExecutableCached = true })
    #expect(hit.compileSeconds < 10)
    #expect(try #require(hit.evaluation).compileSeconds < 10)
    #expect(hit.loadSeconds == miss.loadSeconds)
    #expect(hit.totalSeconds < miss.totalSeconds - 800)
  }

  @Test("Steps and checkpoints scale with the number of steps", arguments: [0, 1, 99, 100, 1000])
  func steps(_ count: Int) throws {
    let estimate = try job { $0.steps = count }
    #expect(estimate.stepsSeconds == Double(count) * estimate.step.seconds)
    #expect(estimate.checkpoints.count == count / 100 + 1)
  }

  @Test("No number of steps or answers is too large to estimate")
  func huge() throws {
    let estimate = try job {
      $0.steps = .max
      $0.stepsBetweenCheckpoints = 1
      $0.answers = .max
    }
    #expect(estimate.totalSeconds.isFinite && estimate.costUSD > 1e18)
  }

  @Test("Dolly 12B at TP 4, the other row of the fit, compiles in 169 s and loads in 102 s")
  func dolly() throws {
    let dolly = GPTJModel(
      layers: 36, hiddenSize: 5120, heads: 40, vocabularySize: 50280, sequenceLength: 512,
      rotarySize: 32)
    let pass = try inferencePass(
      dolly, sequenceLength: 512, tensorParallel: 4, microBatchSize: 1)
    let job = try estimator("pod4").estimate(Job(), training: pass)
    #expect(isWithin(0.05, job.compileSeconds, of: 169))
    #expect(isWithin(0.01, job.loadSeconds, of: 102))
  }

  @Test("Phases that are written alike are one graph to compile, others are not")
  func graphs() throws {
    func program(_ widths: [Int]) -> Program {
      let builder = ProgramBuilder(
        name: "phases", mesh: Mesh(tensorParallel: 1, dataParallel: 1))
      for (index, width) in widths.enumerated() {
        builder.phase("phase_\(index)") {
          let z = builder.temporary("z", [16, width], .float16, differsOver: [])
          builder.emit(.gelu, [z], into: [z])
        }
      }
      return builder.build()
    }
    let estimator = try CostModelTests.estimator()
    func seconds(_ widths: [Int]) -> Double { estimator.compileSeconds(of: program(widths)) }
    #expect(seconds([32, 32, 32]) == seconds([32]))
    #expect(isWithin(1e-9, seconds([32, 64, 32]) - seconds([32]), of: 360.0 / 223))
  }
}
