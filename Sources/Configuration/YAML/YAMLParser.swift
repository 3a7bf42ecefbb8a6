import CYAML

extension YAMLNode {
  /// Reads one strict YAML document.
  ///
  /// Refused, with the place: more than one document, duplicate keys, tabs in the indentation,
  /// tags, keys that are not scalars, unknown anchors, nesting deeper than 64, and documents whose
  /// aliases stand for more than 100,000 nodes. Shared nodes are shared in memory too.
  package static func parse(text: String, file: String) throws(ConfigurationError) -> YAMLNode {
    try parse(bytes: Array(text.utf8), file: file)
  }

  /// Reads one strict YAML document from a file's bytes, which must be UTF-8.
  package static func parse(bytes: [UInt8], file: String) throws(ConfigurationError) -> YAMLNode {
    try checkUTF8(bytes, file: file)
    try checkTabs(bytes, file: file)
    return try bytes.withUnsafeBufferPointer { (input) throws(ConfigurationError) in
      let events = try YAMLEvents(input, file: file)
      var composer = YAMLComposer()
      while let event = try events.next() { try composer.take(event) }
      return try composer.finish(Place(file: file, line: 1, column: 1))
    }
  }

  private static func checkUTF8(_ bytes: [UInt8], file: String) throws(ConfigurationError) {
    do {
      _ = try UTF8Span(validating: bytes.span)
    } catch {
      throw ConfigurationError(
        .syntax, at: place(ofByte: error.byteOffsets.lowerBound, in: bytes, file: file),
        "a byte that is not UTF-8", expected: "a UTF-8 text file")
    }
  }

  /// Finds tabs before the first word of a line; elsewhere they are only white space.
  private static func checkTabs(_ bytes: [UInt8], file: String) throws(ConfigurationError) {
    var indenting = true
    var tab: Int?
    for (offset, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): (indenting, tab) = (true, nil)
      case UInt8(ascii: " "): break
      case UInt8(ascii: "\t"): if indenting, tab == nil { tab = offset }
      default:
        indenting = false
        guard let tab else { continue }
        throw ConfigurationError(
          .syntax, at: place(ofByte: tab, in: bytes, file: file), "a tab in the indentation",
          expected: "spaces")
      }
    }
  }

  static func place(ofByte offset: Int, in bytes: some Collection<UInt8>, file: String) -> Place {
    let before = bytes.prefix(offset)
    let newline = UInt8(ascii: "\n")
    let line = before.count { $0 == newline }
    let lineStart = before.reversed().prefix { $0 != newline }
    // Continuation bytes (0b10xxxxxx) belong to the character before them.
    let column = lineStart.count { $0 & 0b1100_0000 != 0b1000_0000 }
    return Place(file: file, line: line + 1, column: column + 1)
  }
}

/// An event of libyaml as a Swift value.
struct YAMLEvent {
  enum Kind {
    case documentStart
    case scalar(String, isPlain: Bool)
    case alias(String)
    case sequenceStart
    case mappingStart
    /// The end of a sequence or a mapping.
    case end
  }

  var kind: Kind
  var anchor: String?
  var place: Place
}

/// libyaml's event stream over a buffer that outlives it.
private final class YAMLEvents {
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private let input: UnsafeBufferPointer<UInt8>
  private let file: String

  init(_ input: UnsafeBufferPointer<UInt8>, file: String) throws(ConfigurationError) {
    self.input = input
    self.file = file
    // 0 only when memory runs out; deleting the zeroed parser is then still legal.
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else {
      throw ConfigurationError(.syntax, at: Place(file), "no memory to read it")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event that carries content, nil at the end of the stream.
  func next() throws(ConfigurationError) -> YAMLEvent? {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT { return nil }
      if let converted = try convert(event) { return converted }
    }
  }

  private func convert(_ event: yaml_event_t) throws(ConfigurationError) -> YAMLEvent? {
    let place = place(event.start_mark)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      return YAMLEvent(kind: .documentStart, place: place)
    case YAML_ALIAS_EVENT:
      return YAMLEvent(kind: .alias(text(event.data.alias.anchor) ?? ""), place: place)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try refuseTag(scalar.tag, at: place)
      let value = String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      return YAMLEvent(
        kind: .scalar(value, isPlain: isPlain), anchor: text(scalar.anchor), place: place)
    case YAML_SEQUENCE_START_EVENT:
      try refuseTag(event.data.sequence_start.tag, at: place)
      let anchor = text(event.data.sequence_start.anchor)
      return YAMLEvent(kind: .sequenceStart, anchor: anchor, place: place)
    case YAML_MAPPING_START_EVENT:
      try refuseTag(event.data.mapping_start.tag, at: place)
      let anchor = text(event.data.mapping_start.anchor)
      return YAMLEvent(kind: .mappingStart, anchor: anchor, place: place)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      return YAMLEvent(kind: .end, place: place)
    default:
      return nil
    }
  }

  private func refuseTag(
    _ tag: UnsafeMutablePointer<yaml_char_t>?, at place: Place
  ) throws(ConfigurationError) {
    guard let tag = text(tag) else { return }
    throw ConfigurationError(
      .syntax, at: place, "the tag \(shown(tag))", expected: "a plain value without a tag")
  }

  private func syntaxError() -> ConfigurationError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
    let context = parser.pointee.context.map { " \(String(cString: $0))" } ?? ""
    // The reader knows only the byte; scanner and parser know the mark.
    let place =
      parser.pointee.error == YAML_READER_ERROR
      ? YAMLNode.place(ofByte: Int(parser.pointee.problem_offset), in: input, file: file)
      : place(parser.pointee.problem_mark)
    return ConfigurationError(.syntax, at: place, problem + context)
  }

  private func place(_ mark: yaml_mark_t) -> Place {
    Place(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
