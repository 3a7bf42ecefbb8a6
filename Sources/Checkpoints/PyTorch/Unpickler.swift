/// Runs pickles on a small stack machine that can make tensors' descriptions and nothing else.
///
/// Nothing is imported or called: a global is a case of `PickleGlobal`, and a call of one of those
/// fills in a value. Work is bounded by the bytes, memory by `valueLimit`.
struct Unpickler {
  /// Thirty times as many as a state dict of GPT-J 6B makes.
  private static let valueLimit = 1 << 18

  private let file: String
  private let bytes: [UInt8]
  /// The byte behind the last pickle that was read.
  private(set) var position: Int

  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var valueCount = 0

  private(set) var lists: [[PickleValue]] = []
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var storages: [TensorStorage] = []
  private(set) var tensors: [StoredTensor] = []

  /// `file` is the name in errors, whose bytes count from the start of `bytes`.
  init(_ bytes: [UInt8], from position: Int = 0, file: String) {
    self.bytes = bytes
    self.position = position
    self.file = file
  }

  /// The value of the next pickle; what it refers to stays in `lists` and so on.
  mutating func load() throws(CheckpointError) -> PickleValue {
    stack = []
    marks = []
    memo = [:]
    while true {
      let byte = try next()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw failure("an instruction of a state dict, found 0x\(String(byte, radix: 16))")
      }
      if opcode == .stop { return try pop() }
      try perform(opcode)
    }
  }

  func failure(_ expected: String) -> CheckpointError {
    .malformedPickle(file: file, byte: position, expected: expected)
  }

  private mutating func perform(_ opcode: PickleOpcode) throws(CheckpointError) {
    switch opcode {
    case .stop: break
    case .protocolVersion:
      let version = try next()
      guard (2...5).contains(version) else { throw failure("protocol 2 to 5, found \(version)") }
    case .frame: _ = try take(8)
    case .none: try push(.none)
    case .newTrue: try push(.bool(true))
    case .newFalse: try push(.bool(false))
    case .binInt: try push(.int(Int(Int32(bitPattern: integer(UInt32.self)))))
    case .binInt1: try push(.int(Int(next())))
    case .binInt2: try push(.int(Int(integer(UInt16.self))))
    case .long1: try push(.int(long(byteCount: Int(next()))))
    case .binUnicode: try push(.string(string(byteCount: Int(integer(UInt32.self)))))
    case .shortBinUnicode: try push(.string(string(byteCount: Int(next()))))
    case .global: try pushGlobal(module: line(), name: line())
    case .stackGlobal:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw failure("two names of a global")
      }
      try pushGlobal(module: module, name: name)
    case .binPut: try memoize(at: Int(next()))
    case .longBinPut: try memoize(at: Int(integer(UInt32.self)))
    case .memoize: try memoize(at: memo.count)
    case .binGet: try recall(Int(next()))
    case .longBinGet: try recall(Int(integer(UInt32.self)))
    default: try performOnContainers(opcode)
    }
  }

  private mutating func performOnContainers(_ opcode: PickleOpcode) throws(CheckpointError) {
    switch opcode {
    case .mark:
      try count()
      marks.append(stack.count)
    case .emptyTuple: try pushTuple([])
    case .tuple: try pushTuple(popToMark())
    case .tuple1: try pushTuple(pop(1))
    case .tuple2: try pushTuple(pop(2))
    case .tuple3: try pushTuple(pop(3))
    case .emptyList:
      lists.append([])
      try push(.list(lists.count - 1))
    case .append: try append(pop(1))
    case .appends: try append(popToMark())
    case .emptyDictionary: try pushDictionary()
    case .setItem: try set(pop(2))
    case .setItems: try set(popToMark())
    case .binPersistentID: try pushStorage()
    case .reduce: try call()
    default: try build()
    }
  }
}

/// The stack and the memo.
extension Unpickler {
  private mutating func count() throws(CheckpointError) {
    valueCount += 1
    guard valueCount <= Self.valueLimit else {
      throw failure("at most \(Self.valueLimit) values, as no state dict has more")
    }
  }

  private mutating func push(_ value: PickleValue) throws(CheckpointError) {
    try count()
    stack.append(value)
  }

  /// What lies under the last mark is out of reach, as in Python.
  private mutating func pop(_ count: Int) throws(CheckpointError) -> [PickleValue] {
    guard stack.count - count >= marks.last ?? 0 else { throw failure("\(count) values before") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func pop() throws(CheckpointError) -> PickleValue {
    try pop(1)[0]
  }

  private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("a mark before") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func memoize(at index: Int) throws(CheckpointError) {
    guard let value = stack.last else { throw failure("a value before") }
    try count()
    memo[index] = value
  }

  private mutating func recall(_ index: Int) throws(CheckpointError) {
    guard let value = memo[index] else { throw failure("a value that was noted as \(index)") }
    try push(value)
  }

  private mutating func pushTuple(_ values: [PickleValue]) throws(CheckpointError) {
    lists.append(values)
    try push(.tuple(lists.count - 1))
  }

  private mutating func pushDictionary() throws(CheckpointError) {
    dictionaries.append([])
    try push(.dictionary(dictionaries.count - 1))
  }

  private mutating func append(_ values: [PickleValue]) throws(CheckpointError) {
    guard case .list(let index) = try pop() else { throw failure("a list to append to") }
    lists[index] += values
    try push(.list(index))
  }

  private mutating func set(_ items: [PickleValue]) throws(CheckpointError) {
    guard items.count.isMultiple(of: 2), case .dictionary(let index) = try pop() else {
      throw failure("keys and values behind a dictionary")
    }
    for item in stride(from: 0, to: items.count, by: 2) {
      dictionaries[index].append((items[item], items[item + 1]))
    }
    try push(.dictionary(index))
  }
}

/// What torch calls while it loads.
extension Unpickler {
  private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw .foreignGlobal(file: file, byte: position, name: "\(module).\(name)")
    }
    try push(.global(global))
  }

  /// Reads `("storage", class, key, location, count)`; older files add what views have, or None.
  private mutating func pushStorage() throws(CheckpointError) {
    guard case .tuple(let index) = try pop(), [5, 6].contains(lists[index].count),
      case .string("storage") = lists[index][0],
      case .global(.storage(let type)) = lists[index][1], case .string(let key) = lists[index][2],
      case .int(let count) = lists[index][4], count >= 0,
      lists[index].count == 5 || lists[index][5] == .none
    else { throw failure("a storage with its class, key, place and size") }
    storages.append(TensorStorage(key: key, type: type, count: count))
    try push(.storage(storages.count - 1))
  }

  private mutating func call() throws(CheckpointError) {
    guard case .tuple(let index) = try pop(), case .global(let global) = try pop() else {
      throw failure("a function and its arguments")
    }
    let arguments = lists[index]
    switch global {
    case .orderedDictionary where arguments.isEmpty: try pushDictionary()
    case .rebuildTensor: try pushTensor(arguments)
    case .rebuildParameter:
      guard case .tensor(let index)? = arguments.first else { throw failure("a tensor") }
      try push(.tensor(index))
    default: throw failure("arguments of this function")
    }
  }

  /// From storage, offset, shape and strides; whether it has a gradient is of no interest.
  private mutating func pushTensor(_ arguments: [PickleValue]) throws(CheckpointError) {
    guard (4...7).contains(arguments.count), case .storage(let storage) = arguments[0],
      case .int(let offset) = arguments[1], let shape = integers(arguments[2]),
      let strides = integers(arguments[3])
    else { throw failure("a storage, an offset, a shape and strides") }
    tensors.append(
      StoredTensor(
        storage: storages[storage], offset: offset, shape: shape, strides: strides))
    try push(.tensor(tensors.count - 1))
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let index) = value else { return nil }
    let integers = lists[index].compactMap { if case .int(let value) = $0 { value } else { nil } }
    return integers.count == lists[index].count ? integers : nil
  }

  /// Attributes of a state dict, `_metadata`, say nothing about its tensors.
  private mutating func build() throws(CheckpointError) {
    _ = try pop()
    guard case .dictionary? = stack.last else {
      throw failure("a dictionary under its attributes")
    }
  }
}

/// The bytes.
extension Unpickler {
  private mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else {
      throw failure("\(count) more bytes, found \(bytes.count - position)")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func next() throws(CheckpointError) -> UInt8 {
    let byte = try take(1)
    return byte[byte.startIndex]
  }

  private mutating func integer<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type
  ) throws(CheckpointError) -> Number {
    let slice = try take(MemoryLayout<Number>.size)
    return slice.littleEndian(type, at: slice.startIndex) ?? 0
  }

  /// A signed number of up to 8 bytes.
  private mutating func long(byteCount: Int) throws(CheckpointError) -> Int {
    guard byteCount <= 8 else { throw failure("an integer of 64 bits, found \(8 * byteCount)") }
    let slice = try take(byteCount)
    let isNegative = slice.last.map { $0 >= 0x80 } ?? false
    return slice.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
  }

  private mutating func string(byteCount: Int) throws(CheckpointError) -> String {
    let slice = try take(byteCount)
    guard let string = String(validating: slice, as: UTF8.self) else {
      throw failure("valid UTF-8 before")
    }
    return string
  }

  private mutating func line() throws(CheckpointError) -> String {
    let rest = bytes[position...].prefix(256)
    guard let end = rest.firstIndex(of: 0x0A) else {
      throw failure("a name of at most 255 bytes and a new line")
    }
    defer { position = end + 1 }
    return try string(byteCount: end - position)
  }
}
