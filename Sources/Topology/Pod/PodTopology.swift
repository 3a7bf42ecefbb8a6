/// A pod of IPUs as its topology file describes it, in base units: bytes, hertz, FLOPs, seconds.
///
/// What the figures say is kept apart from what a program achieves of it: all rates are peaks.
package struct PodTopology: Sendable, Equatable {
  /// The short name, such as `pod16`.
  package var name: String
  /// One line for people.
  package var summary: String
  package var ipu: IPU
  package var machine: Machine
  package var links: Links
  package var machineCount: Int
  package var pricePerHourUSD: Double
  /// Every figure of the file in its order, as written, with its source.
  package var figures: [Figure]

  /// One IPU; rates per cycle are those of one tile.
  package struct IPU: Sendable, Equatable {
    /// The chip: `Bow` or `GC200`.
    package var name: String
    package var tiles: Int
    /// Hardware threads of a tile.
    package var threadsPerTile: Int
    package var sramBytesPerTile: Int
    package var clockHertz: Double
    package var float16MatmulFlopsPerCyclePerTile: Double
    package var float32MatmulFlopsPerCyclePerTile: Double
    /// Sent or received over the on-chip exchange.
    package var exchangeBytesPerCyclePerTile: Double
    package var sramBytesPerCyclePerTile: Double
  }

  /// One machine (Bow-2000) and the streaming memory beside its IPUs.
  package struct Machine: Sendable, Equatable {
    package var ipus: Int
    package var streamingBytesPerIPU: Int
    /// An upper bound, per direction.
    package var streamingBytesPerSecondPerIPU: Double
    /// Of the memory behind those links, shared by the IPUs of the machine.
    package var streamingBytesPerSecond: Double
    /// Per direction, between the host and one IPU.
    package var hostBytesPerSecondPerIPU: Double
    /// Per direction, shared by the IPUs of the machine.
    package var hostLinkBytesPerSecond: Double
  }

  /// The links between IPUs; rates are per link and direction.
  package struct Links: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
      /// A ladder: rails of IPUs with a rung in every pair.
      case mesh
      case torus
    }

    package var perIPU: Int
    package var bytesPerSecondPerLink: Double
    /// From one IPU to the other of its pair.
    package var insideMachinePerIPU: Int
    /// From one IPU to the external connectors.
    package var betweenMachinesPerIPU: Int
    /// Links of one IPU, in one direction, that a ring over more than a pair can use.
    package var ringPerIPU: Int
    /// GW-Links, shared by the IPUs of the machine.
    package var acrossRacksPerMachine: Int
    package var acrossRacksBytesPerSecondPerLink: Double
    package var kind: Kind
    /// IPUs that reach each other by IPU-Links alone.
    package var domainIPUs: Int
  }

  /// A value of the file with its unit and source, for printing.
  package struct Figure: Sendable, Equatable {
    /// The dotted key, such as `ipu.clock`.
    package var path: String
    /// As a number in `unit`, or a word such as `torus`.
    package var value: Value
    /// Empty for words.
    package var unit: String
    package var source: String
    package var line: Int

    package enum Value: Sendable, Equatable {
      case number(Double)
      case word(String)
    }
  }
}

/// The element types of an IPU's matrix unit.
package enum IPUPrecision: String, Sendable, CaseIterable {
  case float16
  case float32
}

/// The slowest kind of link that a group of IPUs needs.
package enum LinkScope: String, Sendable, CaseIterable {
  /// IPU-Links of one machine.
  case insideMachine
  /// IPU-Links over the external connectors of one link domain.
  case betweenMachines
  /// GW-Links between link domains.
  case acrossRacks
}
