import Configuration
import Datasets
import Emulator
import FineTuning
import GPTJ
import Glibc
import Reporting

func probe(_ arguments: [String]) throws {
  let overrides = try arguments.map { try ConfigurationOverride(assignment: $0, flag: "--set") }
  let configuration: FineTuningConfiguration = try ConfigurationResolver(
    "entailment", overrides: overrides
  ).resolve()
  let task = try EntailmentTask(seed: 1)
  var batches = task.batches(configuration)
  let options = Emulator.Options(workers: 2, prepareWorker: { worker in
    var set = cpu_set_t()
    withUnsafeMutableBytes(of: &set) { $0[0] = UInt8(1 << worker) }
    pthread_setaffinity_np(pthread_self(), MemoryLayout<cpu_set_t>.size, &set)
  })
  let trainer = try Trainer(configuration, options)
  trainer.initialize(RandomWeights(seed: 42))
  let peak = trainer.emulator.measurePeak(seconds: 0.3)
  print("peak", peak / 1e9, "bytes", trainer.emulator.bytes)
  for _ in 0..<configuration.training.steps {
    let update = trainer.update(on: batches.next())
    if update.step % 10 == 0 || update.step < 5 {
      let m = update.measured
      let fl = Double(trainer.step.model.modelFlops(tokens: update.tokens))
      print(
        update.step, update.loss, update.gradientNorm, "tok/s", update.tokensPerSecond, "share",
        fl / m.seconds / peak, "compute", m.computeSeconds, "coll", m.collectiveSeconds, "wait",
        m.waitSeconds, "cpu", m.cpuSeconds, "wall", m.seconds)
    }
    if update.step % 500 == 0 || update.step == configuration.training.steps {
      print(try trainer.evaluate(task.heldOut(.validationMatched, count: 200), tokenizer: task.tokenizer, options))
    }
  }
}
