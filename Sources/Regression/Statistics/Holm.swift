/// Holm's correction: what a p-value is worth among others.
///
/// The chance of any false finding among all of them stays that of one test.
package func holmAdjusted(_ pValues: [Double]) -> [Double] {
  let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
  var result = pValues
  var largest = 0.0
  for (position, index) in order.enumerated() {
    largest = max(largest, min(1, pValues[index] * Double(pValues.count - position)))
    result[index] = largest
  }
  return result
}
