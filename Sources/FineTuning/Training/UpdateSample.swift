import Checkpoints
package import Datasets
package import Emulator
import GPTJ
import Program

/// What AdamW read and wrote of one element of a parameter, for others to check its arithmetic.
package struct UpdateSample: Sendable, Encodable {
  /// AdamW's: of those whose gradient was finite, from 1.
  package let step: Int
  /// Our name, in which layer, and which element of what rank 0 of the tensor-parallel group keeps.
  package let parameter: String
  package let layer: Int
  package let element: Int
  /// As reduced and stored: times the loss scale, not clipped.
  package let gradient: Float
  /// Clipping over loss scale: what the gradient is multiplied by; 0 in an update that is skipped.
  package let gradientScale: Double
  package let learningRate: Double
  package let beta1, beta2, epsilon, weightDecay: Double
  package let before: State
  package let after: State

  package struct State: Sendable, Encodable {
    package let weight, firstMoment, secondMoment: Float
  }
}

extension Trainer {
  /// An update, and what it did to some elements: of up to `tensors` parameters, evenly over the
  /// model, `elements` each.
  ///
  /// The embedding is left out: its gradient never leaves the tiles. A step that was skipped has no
  /// samples.
  ///
  /// - Throws: As `update`.
  package func sampledUpdate(
    on batch: Batch, tensors: Int = 24, elements: Int = 8
  ) throws(EmulatorError) -> (update: Update, samples: [UpdateSample]) {
    let places = samplePlaces(tensors: tensors, elements: elements)
    let before = places.map(states)
    let update = try update(on: batch)
    if let failure = emulator.failure { throw failure }
    if update.isSkipped { return (update, []) }
    let optimizer = step.optimizer
    let scale = optimizer.gradientClipping / max(update.gradientNorm, optimizer.gradientClipping)
    let samples = zip(places, before).flatMap { place, before in
      let after = states(of: place)
      let gradients = values(of: place, ".gradient")
      return place.elements.indices.map { index in
        UpdateSample(
          step: update.step - lossScaling.state.skippedSteps, parameter: place.parameter.name,
          layer: place.layer,
          element: place.elements[index], gradient: gradients[index],
          gradientScale: scale / update.lossScale,
          learningRate: update.learningRate,
          beta1: optimizer.adamW.beta1, beta2: optimizer.adamW.beta2,
          epsilon: optimizer.adamW.epsilon,
          weightDecay: place.parameter.isDecayed(excluding: optimizer.decayExclusions)
            ? optimizer.adamW.weightDecay : 0,
          before: before[index], after: after[index])
      }
    }
    return (update, samples)
  }

  private struct SamplePlace {
    let parameter: Parameter
    let layer: Int
    let elements: [Int]
  }

  private func samplePlaces(tensors: Int, elements: Int) -> [SamplePlace] {
    let stored = transfer.parameters.trained.filter { $0 != transfer.parameters.embedding }
    let all = stored.flatMap { parameter in
      transfer.layers(of: parameter).map { (parameter, $0) }
    }
    let count = min(tensors, all.count)
    return (0..<count).map { number in
      let (parameter, layer) = all[number * all.count / count]
      let size = transfer.keptElements(of: parameter, in: emulator)
      let picked = min(elements, size)
      return SamplePlace(
        parameter: parameter, layer: layer,
        elements: (0..<picked).map { (2 * $0 + 1) * size / (2 * picked) })
    }
  }

  private func states(of place: SamplePlace) -> [UpdateSample.State] {
    let (weights, first, second) = (
      values(of: place, ""), values(of: place, ".first_moment"),
      values(of: place, ".second_moment")
    )
    return place.elements.indices.map {
      UpdateSample.State(weight: weights[$0], firstMoment: first[$0], secondMoment: second[$0])
    }
  }

  private func values(of place: SamplePlace, _ suffix: String) -> [Float] {
    transfer.elements(
      place.elements, of: place.parameter, layer: place.layer, suffix: suffix, from: emulator)
  }
}
