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

  @Test("A linear decay falls from the warm-up's end to the minimum after the last step")
  func linear() {
    let schedule = LearningRateSchedule(
      maximum: 1, warmupSteps: 4, decay: .init(.linear, end: 20))
    #expect(schedule[4] == 1)
    #expect(schedule[12] == 0.5)
    #expect(schedule[19] == 1.0 / 16)
    #expect(schedule[20] == 0 && schedule[1000] == 0)
    for step in 5...20 { #expect(schedule[step] < schedule[step - 1]) }
    let short = LearningRateSchedule(maximum: 1, warmupSteps: 4, decay: .init(.linear, end: 4))
    #expect(short[3] < 1 && short[4] == 0)
    let floored = LearningRateSchedule(
      maximum: 1, warmupSteps: 4, decay: .init(.linear, end: 20, minimum: 0.5))
    #expect(floored[4] == 1 && floored[12] == 0.75 && floored[20] == 0.5 && floored[99] == 0.5)
  }

  @Test("A cosine decay is half a period, from the maximum over the middle to the minimum")
  func cosine() {
    let schedule = LearningRateSchedule(
      maximum: 2, warmupSteps: 10, decay: .init(.cosine, end: 110))
    #expect(schedule[10] == 2)
    #expect(abs(schedule[35] - (1 + 0.5.squareRoot())) < 1e-15)
    #expect(abs(schedule[60] - 1) < 1e-15)
    #expect(abs(schedule[85] - (1 - 0.5.squareRoot())) < 1e-15)
    #expect(schedule[109] > 0 && schedule[110] == 0 && schedule[111] == 0)
    for step in 11...110 { #expect(schedule[step] < schedule[step - 1]) }
    let floored = LearningRateSchedule(
      maximum: 2, warmupSteps: 10, decay: .init(.cosine, end: 110, minimum: 0.5))
    #expect(floored[10] == 2 && abs(floored[60] - 1.25) < 1e-15 && floored[110] == 0.5)
  }

  @Test("The decay ends with the configured steps", arguments: [true, false])
  func configuredDecay(isCosine: Bool) {
    var training = TrainingConfiguration()
    training.steps = 40
    training.optimizer.learningRate.warmupProportion = 0.1
    training.optimizer.learningRate.decay = isCosine ? .cosine : .linear
    training.optimizer.learningRate.minimum = 1e-3
    let maximum = training.optimizer.learningRate.maximum
    #expect(
      LearningRateSchedule(training)
        == LearningRateSchedule(
          maximum: maximum, warmupSteps: 4,
          decay: .init(isCosine ? .cosine : .linear, end: 40, minimum: 1e-3)))
  }

  @Test(
    "After the warm-up the rates are those of transformers' schedules, to the last bits",
    .enabled(if: hasTransformers, "needs python3 with torch and transformers"),
    arguments: [
      ("linear", LearningRateSchedule.Decay.Shape.linear, 40, 4),
      ("cosine", .cosine, 40, 4), ("cosine", .cosine, 31, 0), ("linear", .linear, 7, 7),
    ])
  func transformers(name: String, shape: LearningRateSchedule.Decay.Shape, steps: Int, warmup: Int)
    throws
  {
    let output = try #require(
      python(
        """
        import sys, torch, transformers
        steps, warmup = int(sys.argv[2]), int(sys.argv[3])
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
        schedule = getattr(transformers, f"get_{sys.argv[1]}_schedule_with_warmup")(
          optimizer, warmup, steps)
        for _ in range(steps + 1):
          print(repr(optimizer.param_groups[0]["lr"]))
          optimizer.step(); schedule.step()
        """, name, "\(steps)", "\(warmup)"))
    let rates = output.split(separator: "\n").compactMap { Double($0) }
    try #require(rates.count == steps + 1)
    let ours = LearningRateSchedule(
      maximum: 3e-4, warmupSteps: warmup, decay: .init(shape, end: steps))
    for step in rates.indices {
      let tolerance = step < warmup ? LearningRateSchedule.start : 1e-18
      #expect(abs(ours[step] - rates[step]) <= tolerance, "step \(step)")
    }
  }
}
