/// Which links a group of IPUs has, and what a ring over it can send.
///
/// IPUs of a link domain form a ladder: pairs joined by rungs, one pair after the other on two rails.
/// Ranks are laid pair by pair, so a group of consecutive ranks is a piece of the ladder, whose ring
/// goes up one rail and down the other. In a torus the rails close, too.
extension PodTopology {
  /// A ring over some members of a group, all of whose groups run at once.
  package struct Ring: Sendable, Equatable {
    package var ranks: Int
    /// What each member sends at most, in one direction.
    package var bytesPerSecond: Double
    /// All IPUs between the members, where a ring over them stands in for one over the members.
    package var spannedIPUs: Int?

    package init(ranks: Int, bytesPerSecond: Double, spannedIPUs: Int? = nil) {
      self.ranks = ranks
      self.bytesPerSecond = bytesPerSecond
      self.spannedIPUs = spannedIPUs
    }
  }

  /// How a group is joined: its members within one link domain, and one IPU of each domain.
  package struct GroupLinks: Sendable, Equatable {
    /// Nil where each domain has one member.
    package var inside: Ring?
    /// Nil where one domain has them all.
    package var across: Ring?
  }

  /// The links that a group needs whose `ranks` members are `stride` IPUs apart.
  ///
  /// Groups are taken to begin at a multiple of their span, as the plan lays them.
  package func linkScope(ranks: Int, stride: Int = 1) -> LinkScope {
    let span = Self.span(ranks: ranks, stride: stride)
    if span <= machine.ipus { return .insideMachine }
    return span <= links.domainIPUs ? .betweenMachines : .acrossRacks
  }

  /// The rings of a group.
  ///
  /// Without a ring of its own inside the domain, the library gathers everyone's operand over all
  /// IPUs between the members (Graphcore popxl-addons, ops/replicated_strided_collectives), unless
  /// the members belong to replicas of `stride` IPUs each, which the library knows.
  package func groupLinks(
    ranks: Int, stride: Int = 1, replicasHaveRings: Bool = false
  ) -> GroupLinks {
    let span = Self.span(ranks: ranks, stride: stride)
    let domain = links.domainIPUs
    let inside = span <= domain ? ranks : max(1, domain / max(1, min(stride, domain)))
    let domains = (ranks + inside - 1) / inside
    return GroupLinks(
      inside: inside > 1 ? insideRing(ranks: inside, stride, replicasHaveRings) : nil,
      across: domains > 1
        ? Ring(ranks: domains, bytesPerSecond: acrossRacksBytesPerSecondPerIPU) : nil)
  }

  /// What an IPU sends at most to the one that is `distance` further, where all of so many stages
  /// in a row send at once: a rail carries half the IPUs between them, a step to another rack
  /// its GW-Links.
  package func neighbourBytesPerSecond(distance: Int, stages: Int) -> Double {
    let rail =
      Double(links.ringPerIPU) * links.bytesPerSecondPerLink / Double((distance + 1) / 2)
    return distance * stages > links.domainIPUs
      ? min(rail, acrossRacksBytesPerSecondPerIPU) : rail
  }

  /// GW-Links are shared by the IPUs of a machine.
  package var acrossRacksBytesPerSecondPerIPU: Double {
    Double(links.acrossRacksPerMachine) * links.acrossRacksBytesPerSecondPerLink
      / Double(machine.ipus)
  }

  /// Whether the collective library runs a ring over the group, instead of gathering from everyone.
  ///
  /// Source: Graphcore popxl-addons, ops/replicated_strided_collectives: groups of consecutive
  /// replicas have a ring, others only when they fill the link domain of a torus.
  package func hasRing(ranks: Int, stride: Int = 1) -> Bool {
    stride == 1 || (links.kind == .torus && ranks * stride == links.domainIPUs)
  }

  private func insideRing(ranks: Int, _ stride: Int, _ isKnown: Bool) -> Ring {
    let perLink = links.bytesPerSecondPerLink
    guard isKnown || hasRing(ranks: ranks, stride: stride) else {
      let all = ranks * stride
      return Ring(ranks: ranks, bytesPerSecond: ring(all), spannedIPUs: all)
    }
    guard stride > 1 else { return Ring(ranks: ranks, bytesPerSecond: ring(ranks)) }
    // From one member to the next are stride / 2 pairs, and each rail carries as many groups.
    let groupsOnARail = (stride + 1) / 2
    return Ring(
      ranks: ranks,
      bytesPerSecond: Double(links.ringPerIPU) * perLink / Double(groupsOnARail))
  }

  /// A pair has all links between its IPUs, a longer ring the rails' (its rungs are wider).
  private func ring(_ ranks: Int) -> Double {
    let isPair = ranks == 2 && links.insideMachinePerIPU > 0
    return Double(isPair ? links.insideMachinePerIPU : links.ringPerIPU)
      * links.bytesPerSecondPerLink
  }

  private static func span(ranks: Int, stride: Int) -> Int {
    precondition(ranks >= 1 && stride >= 1, "a group of \(ranks) ranks at stride \(stride)")
    return (ranks - 1) * stride + 1
  }
}
