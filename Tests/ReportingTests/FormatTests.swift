import Testing

@testable import Reporting

struct FormatTests {
  @Test(
    "Fixed decimals round the exact binary value, ties to even",
    arguments: [
      (0, 2, "0.00"), (2.675, 2, "2.67"), (0.125, 2, "0.12"), (0.375, 2, "0.38"), (2.5, 0, "2"),
      (3.5, 0, "4"), (9.995, 2, "9.99"), (0.9999, 3, "1.000"), (-0.001, 2, "0.00"),
      (-0.0, 1, "0.0"), (-1.5, 1, "-1.5"), (1e22, 0, "10000000000000000000000"),
      (0.1, 20, "0.10000000000000000555"), (.infinity, 2, "inf"), (-.infinity, 0, "-inf"),
    ] as [(Double, Int, String)])
  func fixed(value: Double, decimals: Int, expected: String) {
    #expect(Format.fixed(value, decimals) == expected)
  }

  @Test("Even the longest double fits, and NaN is a word")
  func extremes() {
    #expect(Format.fixed(-.greatestFiniteMagnitude, 60).count == 1 + 309 + 1 + 60)
    #expect(["nan", "-nan"].contains(Format.fixed(.nan, 2)))
    #expect(Format.fixed(.leastNonzeroMagnitude, 3) == "0.000")
  }

  @Test(
    "Thousands are grouped whatever the sign and length",
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (-999, "-999"), (-1000, "-1,000"),
      (123_456, "123,456"), (6_050_882_784, "6,050,882,784"), (.min, "-9,223,372,036,854,775,808"),
    ] as [(Int, String)])
  func grouped(value: Int, expected: String) {
    #expect(Format.grouped(value) == expected)
    #expect(Format.fixed(Double(value), 2, grouped: true).prefix(4) == (expected + ".00").prefix(4))
  }

  @Test(
    "Money, shares and scientific numbers read as people write them",
    arguments: [
      (Format.dollars(74), "$74.00"), (Format.dollars(-1234.5), "-$1,234.50"),
      (Format.dollars(-0.001), "$0.00"), (Format.percent(0.412), "41.2 %"),
      (Format.percent(1, decimals: 0), "100 %"), (Format.scientific(5e-6), "5.0e-06"),
      (Format.fixed(.infinity, 2, grouped: true), "inf"),
    ])
  func words(text: String, expected: String) {
    #expect(text == expected)
  }

  @Test(
    "SI prefixes keep four significant digits and no trailing zeros",
    arguments: [
      (11.75e9, "B", "11.75 GB"), (395e12, "FLOP", "395 TFLOP"), (395.25e12, "FLOP", "395.2 TFLOP"),
      (20.5, "s", "20.5 s"), (1, "B", "1 B"), (999.94, "W", "999.9 W"), (999.96, "W", "1 kW"),
      (0.99996, "W", "1 W"), (0.0015, "s", "1.5 ms"), (-2e-6, "s", "-2 µs"), (0, "s", "0 s"),
      (1e-13, "s", "1.000e-13 s"), (9.9996e20, "B", "1.000e+21 B"), (1000, "B", "1 kB"),
      (.infinity, "s", "inf s"),
    ] as [(Double, String, String)])
  func si(value: Double, unit: String, expected: String) {
    #expect(Format.si(value, unit) == expected)
  }

  @Test(
    "Binary prefixes change at 1024",
    arguments: [
      (8_388_608, "8 MiB"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"),
      (1_048_575, "1 MiB"), (0.5, "0.5 B"), (0, "0 B"), (-1024, "-1 KiB"),
      (941_621_248, "898 MiB"),
    ] as [(Double, String)])
  func binary(value: Double, expected: String) {
    #expect(Format.binary(value) == expected)
  }

  @Test(
    "Durations take two units at most and carry when they round up",
    arguments: [
      (0, "0 s"), (0.0015, "1.5 ms"), (20.5, "20.5 s"), (59.94, "59.9 s"), (59.96, "1 min"),
      (480, "8 min"), (450, "7 min 30 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h"),
      (10_020, "2 h 47 min"), (10_049, "2 h 47 min"), (10_051, "2 h 48 min"),
      (86_369, "23 h 59 min"),
      (86_371, "1 d"), (273_600, "3 d 4 h"), (-450, "-7 min 30 s"), (1e300, "1.00e+300 s"),
      (.infinity, "inf s"),
    ] as [(Double, String)])
  func duration(seconds: Double, expected: String) {
    #expect(Format.duration(seconds: seconds) == expected)
  }
}
