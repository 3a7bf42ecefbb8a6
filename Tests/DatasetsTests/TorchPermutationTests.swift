import Testing

@testable import Datasets

@Suite struct TorchPermutationTests {
  /// `torch.manual_seed(seed); torch.randperm(n)` of torch 2.13.0.
  @Test(arguments: [
    (10, 47, [5, 9, 1, 3, 8, 6, 0, 7, 2, 4], [6, 0, 7, 2, 4]),
    (10, 48, [8, 1, 3, 5, 2, 9, 6, 4, 0, 7], [9, 6, 4, 0, 7]),
    (1000, 47, [255, 531, 521, 990, 248, 881, 666, 13, 131, 320], [334, 742, 530, 481, 253]),
    (
      9815, 47, [6540, 3959, 932, 4675, 5806, 6876, 6305, 2334, 666], [1588, 313, 3041, 1238, 392]
    ),
  ])
  func `The order is torch's`(_ count: Int, _ seed: Int, _ first: [Int], _ last: [Int]) {
    let order = torchPermutation(count: count, seed: UInt32(seed))
    #expect(Array(order.prefix(first.count)) == first)
    #expect(Array(order.suffix(last.count)) == last)
    #expect(order.sorted() == Array(0..<count))
  }

  @Test(arguments: [0, 1]) func `Nothing to shuffle`(_ count: Int) {
    #expect(torchPermutation(count: count, seed: 1) == Array(0..<count))
  }
}
