import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("The calibration reproduces its rows and leaves an interval")
struct CalibrationTests {
  private func rows() throws -> Calibration.Rows {
    let estimator = try estimator()
    return Calibration.Rows(
      step: estimator.demand(of: try trainingStep()),
      stepKeepingClosingCollectives: estimator.demand(
        of: try trainingStep(closingCollectives: true)),
      pass: estimator.demand(of: try inferencePass()))
  }

  @Test("The demands written in the source are those of GPT-J's Programs on the built-in pod16")
  func baked() throws {
    let (baked, derived) = (Calibration.Rows.bowPod16, try rows())
    for (one, other) in [
      (baked.step, derived.step), (baked.pass, derived.pass),
      (baked.stepKeepingClosingCollectives, derived.stepKeepingClosingCollectives),
    ] {
      for field: KeyPath<Demand, Double> in [
        \.matmulSeconds, \.vectorSeconds, \.exchangeSeconds, \.streamingSeconds, \.ringSeconds,
        \.ringLatencySeconds, \.hostSeconds,
      ] {
        #expect(
          isWithin(1e-6, one[keyPath: field], of: other[keyPath: field]), "derived: \(other)")
      }
    }
  }

  @Test("Solving anew gives the same members")
  func solved() throws {
    let (fitted, again) = (Calibration.fitted, Calibration(rows: try rows()))
    #expect(fitted.members.count == again.members.count)
    for (one, other) in zip(fitted.members, again.members) {
      #expect(isWithin(1e-5, one.shares.ring, of: other.shares.ring))
      #expect(isWithin(1e-4, one.hostSecondsPerPass, of: other.hostSecondsPerPass))
    }
  }

  @Test("Every member takes 19.5-21.5 s for the step as it reads it, and 420 s for the passes")
  func members() {
    let rows = Calibration.Rows.bowPod16
    for member in Calibration.fitted.members {
      let step = member.keepsClosingCollectives ? rows.stepKeepingClosingCollectives : rows.step
      let seconds = step.time(with: member.shares).total
      #expect([19.5, 20.5, 21.5].contains { isWithin(1e-9, seconds, of: $0) })
      let pass = rows.pass.time(with: member.shares).total + member.hostSecondsPerPass
      #expect(isWithin(1e-9, 1450 * pass, of: 420))
    }
  }

  @Test(
    "The central ring reaches 18-22 of 32 GB/s; with dead all-reduces the ensemble reaches 25-32")
  func ring() {
    let calibration = Calibration.fitted
    #expect((18...22).contains(32 * calibration.central.shares.ring))
    let keeping = calibration.members.filter(\.keepsClosingCollectives)
    #expect(!keeping.isEmpty)
    #expect(keeping.allSatisfy { (24...32).contains(32 * $0.shares.ring) })
  }

  @Test(
    "The interval contains the centre, for any Program on any topology",
    arguments: ["pod4", "pod16", "pod64", "pod16-classic"])
  func interval(_ name: String) throws {
    let estimator = try estimator(name)
    let width = name == "pod4" ? 4 : 16
    for keeps in [false, true] {
      let estimate = estimator.estimate(
        try trainingStep(tensorParallel: width, closingCollectives: keeps))
      #expect(estimate.secondsLow <= estimate.seconds && estimate.seconds <= estimate.secondsHigh)
      for phase in estimate.phases {
        #expect(phase.secondsLow <= phase.seconds && phase.seconds <= phase.secondsHigh)
      }
    }
    let pass = estimator.estimate(try inferencePass(tensorParallel: width))
    #expect(pass.secondsLow < pass.seconds && pass.seconds < pass.secondsHigh)
  }

  @Test("On the calibration's own job the interval is 19.5-21.5 s, whichever reading is true")
  func ownRow() throws {
    let estimate = try estimator().estimate(trainingStep())
    #expect(isWithin(1e-6, estimate.secondsLow, of: 19.5))
    #expect(isWithin(1e-6, estimate.seconds, of: 20.5))
    #expect(isWithin(1e-6, estimate.secondsHigh, of: 21.5))
  }

  @Test("A step whose dead all-reduces are kept is what the other reading calls the reference's")
  func keeping() throws {
    let (dropped, kept) = (
      try estimator().estimate(trainingStep()),
      try estimator().estimate(trainingStep(closingCollectives: true))
    )
    #expect(isWithin(1e-6, kept.secondsLow, of: 19.5))
    #expect(kept.seconds > dropped.seconds + 4 && kept.secondsHigh > kept.seconds)
  }
}
