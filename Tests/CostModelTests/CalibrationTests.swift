import CostModel
import GPTJ
import Program
import Testing
import Topology

@Suite("The calibration reproduces its rows and leaves an interval")
struct CalibrationTests {
  @Test("Every member takes what is published for each row as it reads it")
  func members() {
    let rows = Calibration.Rows.published
    for member in Calibration.fitted.members {
      let step = member.keepsClosingCollectives ? rows.stepKeepingClosingCollectives : rows.step
      let seconds = step.time(with: member.shares).total
      #expect(isWithin(1e-9, seconds, of: member.reading.stepSeconds))
      let pass = rows.pass.time(with: member.shares).total + member.hostSecondsPerPass
      #expect(isWithin(1e-9, 1450 * pass, of: 420))
      var shares = member.shares
      shares.compute /= member.reading.productsFactor
      let turn = rows.bertStage.time(with: shares).total
      let (pod64, pod256) = (
        111 * turn + rows.bertClosing64.time(with: shares).total,
        51 * turn + rows.bertClosing256.time(with: shares).total
      )
      #expect(isWithin(1e-9, pod64 - pod256, of: 0.6212 - 0.3632))
      #expect(isWithin(1e-9, pod64 + member.pipelineSecondsPerStep, of: 0.6212))
    }
  }

  @Test(
    "The central ring reaches 18-22 of 32 GB/s; with dead all-reduces the ensemble reaches 22-32")
  func ring() {
    let calibration = Calibration.fitted
    #expect((18...22).contains(32 * calibration.central.shares.ring))
    let keeping = calibration.members.filter(\.keepsClosingCollectives)
    #expect(!keeping.isEmpty)
    #expect(keeping.allSatisfy { (22...32).contains(32 * $0.shares.ring) })
  }

  @Test("Two models and two ways to run them agree on what products reach: 80 to 180 TFLOP/s")
  func products() {
    let calibration = Calibration.fitted
    for member in calibration.members {
      let seconds = Calibration.Rows.published.step.time(with: member.shares).compute
      #expect((80...180).contains(395 / seconds), "\(395 / seconds)")
    }
    #expect((10e9...15.75e9).contains(15.75e9 * calibration.central.shares.streaming))
  }

  @Test("Each fitted constant has a name of its own and lies within its range")
  func constants() {
    let constants = Calibration.fitted.constants + HostConstants.fitted.constants
    #expect(constants.count == 11)
    #expect(Set(constants.map(\.name)).count == constants.count)
    for constant in constants {
      #expect(constant.low <= constant.value && constant.value <= constant.high, "\(constant)")
    }
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
