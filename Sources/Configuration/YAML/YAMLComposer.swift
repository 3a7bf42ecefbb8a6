import NearestName

/// Builds the node tree from events with its own stack: no recursion, so no depth can overflow it.
struct YAMLComposer {
  /// Levels of nesting, aliases expanded; the deepest file of this tool has 6.
  static let deepestNesting = 64
  /// Nodes of a document, aliases expanded; the largest file of this tool has a few hundred.
  static let mostNodes = 100_000

  /// A finished node and what it costs to walk through it.
  private struct Built {
    var node: YAMLNode
    var size: Int
    var height: Int
  }

  /// A sequence or mapping whose end has not been seen.
  private struct Open {
    var place: Place
    var anchor: String?
    var isMapping: Bool
    var items: [YAMLNode] = []
    var entries: [YAMLNode.Entry] = []
    var lineOfKey: [String: Int] = [:]
    var pendingKey: (name: String, place: Place)?
    var size = 1
    var height = 1
  }

  private var stack: [Open] = []
  private var anchors: [String: Built] = [:]
  private var documents = 0
  private var root: YAMLNode?

  mutating func take(_ event: YAMLEvent) throws(ConfigurationError) {
    switch event.kind {
    case .documentStart:
      documents += 1
      if documents > 1 { throw refusal(event.place, "a second document", "one document in a file") }
    case .scalar(let text, let isPlain):
      let node = YAMLNode(.scalar(text, isPlain: isPlain), at: event.place)
      try add(Built(node: node, size: 1, height: 1), at: event.place, event.anchor)
    case .alias(let name):
      try addAlias(name, at: event.place)
    case .sequenceStart, .mappingStart:
      try open(event)
    case .end:
      guard let done = stack.popLast() else { return }
      let value: YAMLNode.Value = done.isMapping ? .mapping(done.entries) : .sequence(done.items)
      let node = YAMLNode(value, at: done.place)
      try add(Built(node: node, size: done.size, height: done.height), at: done.place, done.anchor)
    }
  }

  /// The document, once all events are taken.
  func finish(_ start: Place) throws(ConfigurationError) -> YAMLNode {
    guard let root else { throw refusal(start, "an empty file", "a mapping") }
    return root
  }

  private mutating func open(_ event: YAMLEvent) throws(ConfigurationError) {
    guard stack.count < Self.deepestNesting else { throw tooDeep(event.place) }
    if let parent = stack.last, parent.isMapping, parent.pendingKey == nil {
      throw refusal(event.place, "a list or mapping as a key", "a plain word as a key")
    }
    var isMapping = false
    if case .mappingStart = event.kind { isMapping = true }
    stack.append(Open(place: event.place, anchor: event.anchor, isMapping: isMapping))
  }

  private mutating func addAlias(_ name: String, at place: Place) throws(ConfigurationError) {
    guard var target = anchors[name] else {
      let suggestion = nearest(name, in: anchors.keys.sorted())
      throw ConfigurationError(
        .syntax, at: place, "the unknown anchor \(shown(name))",
        expected: "an anchor that is complete above this line", didYouMean: suggestion)
    }
    guard stack.count + target.height <= Self.deepestNesting else { throw tooDeep(place) }
    // A scalar is reported where it is used, a mapping where it is written.
    if target.height == 1 { target.node.place = place }
    try add(target, at: place, nil)
  }

  private mutating func add(
    _ built: Built, at place: Place, _ anchor: String?
  ) throws(ConfigurationError) {
    if let anchor { anchors[anchor] = built }
    guard !stack.isEmpty else {
      root = built.node
      return
    }
    let top = stack.count - 1
    if stack[top].isMapping, stack[top].pendingKey == nil {
      try setKey(built.node, at: place, of: top)
      return
    }
    stack[top].size += built.size
    stack[top].height = max(stack[top].height, built.height + 1)
    guard stack[top].size <= Self.mostNodes else {
      throw refusal(
        place, "aliases that expand to too many nodes", "at most \(Self.mostNodes) nodes")
    }
    if let key = stack[top].pendingKey {
      stack[top].entries.append(.init(key: key.name, keyPlace: key.place, node: built.node))
      stack[top].pendingKey = nil
    } else {
      stack[top].items.append(built.node)
    }
  }

  private mutating func setKey(
    _ node: YAMLNode, at place: Place, of top: Int
  ) throws(ConfigurationError) {
    guard case .scalar(let name, _) = node.value else {
      throw refusal(place, "a list or mapping as a key", "a plain word as a key")
    }
    if let line = stack[top].lineOfKey[name] {
      throw ConfigurationError(
        .duplicateKey, at: place, "the key \(shown(name)) again (first on line \(line))",
        expected: "each key once")
    }
    stack[top].lineOfKey[name] = place.line
    stack[top].pendingKey = (name, place)
  }

  private func tooDeep(_ place: Place) -> ConfigurationError {
    refusal(place, "nesting that is too deep", "at most \(Self.deepestNesting) levels")
  }

  private func refusal(_ place: Place, _ what: String, _ expected: String) -> ConfigurationError {
    ConfigurationError(.syntax, at: place, what, expected: expected)
  }
}
