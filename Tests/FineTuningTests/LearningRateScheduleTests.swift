import Configuration
import FineTuning
import Testing

@Suite("The learning rate warms up linearly, then stays or falls")
struct LearningRateScheduleTests {
  @Test("The first step has the reference's start, the first one after the warm-up the maximum")
  func ends() {
    let schedule = LearningRateSchedule(maximum: 1e-3, warmupSteps: 10)
    #expect(schedule[0] == 1e-7)
    #expect(schedule[10] == 1e-3)
    #expect(schedule[1_000_000] == 1e-3)
    for step in 1..<10 {
      let expected = 1e-7 + (1e-3 - 1e-7) * Double(step) / 10
      #expect(abs(schedule[step] - expected) < 1e-18)
      #expect(schedule[step] > schedule[step - 1])
    }
  }

  @Test("Without a warm-up the rate is the maximum from the start")
  func constant() {
    let schedule = LearningRateSchedule(maximum: 5e-6, warmupSteps: 0)
    #expect([0, 1, 99].allSatisfy { schedule[$0] == 5e-6 })
  }

  @Test(
    "The warm-up is the configured share of the steps, rounded down",
    arguments: [(500, 0.005995, 2), (400, 0.05, 20), (10, 0, 0), (10, 1, 10), (3, 0.5, 1)])
  func configured(steps: Int, proportion: Double, warmup: Int) {
    var training = TrainingConfiguration()
    training.steps = steps
    training.optimizer.learningRate.maximum = 0.25
    training.optimizer.learningRate.warmupProportion = proportion
    #expect(
      LearningRateSchedule(training) == LearningRateSchedule(maximum: 0.25, warmupSteps: warmup))
  }

  @Test("A linear decay falls from the warm-up's end to zero at the last step, never below")
  func decay() {
    let schedule = LearningRateSchedule(maximum: 1, warmupSteps: 4, decaySteps: 20)
    #expect(schedule[4] == 1)
    #expect(schedule[12] == 0.5)
    #expect(schedule[19] == 1.0 / 16)
    #expect(schedule[20] == 0 && schedule[1000] == 0)
    for step in 5...20 { #expect(schedule[step] < schedule[step - 1]) }
    let short = LearningRateSchedule(maximum: 1, warmupSteps: 4, decaySteps: 4)
    #expect(short[3] < 1 && short[4] == 0)
  }

  @Test("The decay ends with the configured steps")
  func configuredDecay() {
    var training = TrainingConfiguration()
    training.steps = 40
    training.optimizer.learningRate.warmupProportion = 0.1
    training.optimizer.learningRate.decay = .linear
    let maximum = training.optimizer.learningRate.maximum
    #expect(
      LearningRateSchedule(training)
        == LearningRateSchedule(maximum: maximum, warmupSteps: 4, decaySteps: 40))
  }
}
