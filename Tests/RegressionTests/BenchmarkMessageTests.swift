import FoundationEssentials
import Regression
import Testing

struct BenchmarkMessageTests {
  @Test(arguments: [
    BenchmarkRequest.list, .prepare(benchmark: "a/b", counting: true),
    .run(benchmark: "a/b", iterations: 3),
    .calibrate(.memory), .release(benchmark: "a/b"),
  ])
  func `A request survives its line`(request: BenchmarkRequest) throws {
    let line = try JSONEncoder().encode(request)
    #expect(!line.contains(UInt8(ascii: "\n")))
    #expect(try JSONDecoder().decode(BenchmarkRequest.self, from: line) == request)
  }
}
