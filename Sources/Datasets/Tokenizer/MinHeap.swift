/// A binary heap: the smallest element comes out first.
struct MinHeap<Element: Comparable> {
  private var elements: [Element] = []

  mutating func removeAll() {
    elements.removeAll(keepingCapacity: true)
  }

  /// Cost: logarithmic in the number of elements.
  mutating func push(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard elements[child] < elements[parent] else { break }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  /// Cost: logarithmic in the number of elements.
  mutating func pop() -> Element? {
    guard var smallest = elements.popLast() else { return nil }
    guard !elements.isEmpty else { return smallest }
    swap(&smallest, &elements[0])
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < elements.count else { break }
      if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
      guard elements[child] < elements[parent] else { break }
      elements.swapAt(child, parent)
      parent = child
    }
    return smallest
  }
}

extension MinHeap: Sendable where Element: Sendable {}
