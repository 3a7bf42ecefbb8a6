/// What a pickle of a state dict can hold.
///
/// Containers are indices into the unpickler's lists, so that no value holds another: nothing that
/// walks or frees one recurses, however deep a hostile pickle nests.
enum PickleValue: Equatable {
  case none
  case bool(Bool)
  case int(Int)
  case string(String)
  case global(PickleGlobal)
  /// An index into `Unpickler.lists`, where a tuple's elements are too.
  case list(Int)
  case tuple(Int)
  /// An index into `Unpickler.dictionaries`.
  case dictionary(Int)
  /// An index into `Unpickler.storages`.
  case storage(Int)
  /// An index into `Unpickler.tensors`.
  case tensor(Int)
}

/// The names of Python that a state dict needs; every other one is refused.
enum PickleGlobal: Equatable {
  case orderedDictionary
  case rebuildTensor
  case rebuildParameter
  case storage(ElementType)

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", _):
      guard let type = Self.storageTypes[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  /// The storage classes of torch 1.0 to 2.x (`torch/storage.py`).
  private static let storageTypes: [String: ElementType] = [
    "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "DoubleStorage": .float64, "ByteStorage": .uint8, "CharStorage": .int8, "BoolStorage": .bool,
    "ShortStorage": .int16, "IntStorage": .int32, "LongStorage": .int64,
    "ComplexFloatStorage": .complex64,
  ]
}

/// The instructions of pickle protocols 2 to 5 that state dicts have (Python, `pickletools`).
enum PickleOpcode: UInt8 {
  case mark = 0x28
  case emptyTuple = 0x29
  case stop = 0x2E
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case none = 0x4E
  case binPersistentID = 0x51
  case reduce = 0x52
  case binUnicode = 0x58
  case emptyList = 0x5D
  case append = 0x61
  case build = 0x62
  case global = 0x63
  case appends = 0x65
  case binGet = 0x68
  case longBinGet = 0x6A
  case binPut = 0x71
  case longBinPut = 0x72
  case setItem = 0x73
  case tuple = 0x74
  case setItems = 0x75
  case emptyDictionary = 0x7D
  case protocolVersion = 0x80
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case newTrue = 0x88
  case newFalse = 0x89
  case long1 = 0x8A
  case shortBinUnicode = 0x8C
  case stackGlobal = 0x93
  case memoize = 0x94
  case frame = 0x95
}
