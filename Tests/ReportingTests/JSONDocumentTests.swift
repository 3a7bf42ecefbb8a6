import FoundationEssentials
import Testing

@testable import Reporting

struct JSONDocumentTests {
  private struct Report: Codable, Equatable {
    var stepSeconds: Double?
    var path = "topologies/pod16.yml"
    var losses: [Float] = []

    enum CodingKeys: String, CodingKey {
      case stepSeconds = "step_seconds"
      case path, losses
    }
  }

  @Test("The document has sorted keys, plain slashes and a schema version")
  func document() throws {
    let text = try JSONDocument(Report(stepSeconds: 20.5, losses: [1, 0.5]), schemaVersion: 1)
      .text()
    #expect(
      text == """
        {
          "losses" : [
            1,
            0.5
          ],
          "path" : "topologies/pod16.yml",
          "schema_version" : 1,
          "step_seconds" : 20.5
        }

        """)
  }

  @Test("Numbers that JSON lacks become null", arguments: [Double.nan, .infinity, -.infinity])
  func nonFinite(value: Double) throws {
    let report = Report(stepSeconds: value, losses: [Float(value), 2])
    let text = try JSONDocument(report, schemaVersion: 1).text(compact: true)
    let expected = """
      {"losses":[null,2],"path":"topologies/pod16.yml","schema_version":1,"step_seconds":null}

      """
    #expect(text == expected)
  }

  @Test(
    "What is written reads back as it was", arguments: ["a\"b\\c\n", "null", "non-finite", "µ€"])
  func readsBack(path: String) throws {
    let report = Report(stepSeconds: 1e-300, path: path, losses: [0.1, -0.0])
    let text = try JSONDocument(report, schemaVersion: 3).text()
    #expect(try JSONDecoder().decode(Report.self, from: Data(text.utf8)) == report)
  }

  @Test("An encoder's refusal is an error of this module")
  func refusal() {
    struct Refusing: Encodable {
      func encode(to encoder: any Encoder) throws { throw ReportingError.encode(reason: "never") }
    }
    #expect(throws: ReportingError.self) {
      try JSONDocument(Refusing(), schemaVersion: 1).text()
    }
  }
}
