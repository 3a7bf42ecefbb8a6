import CZlib

@testable import Checkpoints

/// A tensor of a file that a test makes; `bytes` are its storage's, unless another has the key.
struct TorchTensor {
  var name: String
  var type = "FloatStorage"
  var key: String
  var count: Int
  var offset = 0
  var shape: [Int]
  var strides: [Int]
}

/// The pickle of a state dict, as torch writes it in protocol 2.
func statePickle(_ tensors: [TorchTensor], legacy: Bool = false) -> [UInt8] {
  var pickle: [UInt8] = [0x80, 2] + Array("}(".utf8)
  for tensor in tensors {
    pickle += text(tensor.name) + global("torch._utils", "_rebuild_tensor_v2") + Array("((".utf8)
    pickle += text("storage") + global("torch", tensor.type) + text(tensor.key) + text("cpu")
    pickle += long(tensor.count) + Array(legacy ? "NtQ".utf8 : "tQ".utf8)
    pickle += long(tensor.offset) + tuple(tensor.shape) + tuple(tensor.strides) + [0x89]
    pickle += global("collections", "OrderedDict") + Array(")RtR".utf8)
  }
  return pickle + Array("u.".utf8)
}

func text(_ text: String) -> [UInt8] {
  [0x58] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
}

func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

/// LONG1 of 8 bytes: any number.
func long(_ number: Int) -> [UInt8] { [0x8A, 8] + littleEndian(number) }

func tuple(_ numbers: [Int]) -> [UInt8] {
  [0x28] + numbers.flatMap(long) + [0x74]
}

/// One file of a zip archive; what is not given is right.
struct ZipEntry {
  var name: String
  var bytes: [UInt8]
  var method: UInt16 = 0
  var flags: UInt16 = 0
  var crc: UInt32?
  var size: UInt64?
  /// Where its local header is said to be.
  var place: Int?
}

/// A stored zip archive with sizes in its central directory alone, as torch writes it.
func zip(_ entries: [ZipEntry], zip64: Bool = true) -> [UInt8] {
  var bytes: [UInt8] = []
  var directory: [UInt8] = []
  for entry in entries {
    let place = UInt64(entry.place ?? bytes.count)
    let name = Array(entry.name.utf8)
    let size = entry.size ?? UInt64(entry.bytes.count)
    let crc = entry.crc ?? UInt32(crc32_z(0, entry.bytes, entry.bytes.count))
    bytes += littleEndian(UInt32(0x0403_4b50)) + [UInt8](repeating: 0, count: 22)
    bytes += littleEndian(UInt16(name.count)) + littleEndian(UInt16(3)) + name + [1, 2, 3]
    bytes += entry.bytes
    let extra: [UInt8] =
      zip64
      ? littleEndian(UInt16(7)) + littleEndian(UInt16(1)) + [9]
        + littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + littleEndian(size)
        + littleEndian(size) + littleEndian(place) : []
    let short = { (value: UInt64) in littleEndian(zip64 ? .max : UInt32(clamping: value)) }
    directory += littleEndian(UInt32(0x0201_4b50)) + [0, 0, 0, 0]
    directory += littleEndian(entry.flags) + littleEndian(entry.method) + [0, 0, 0, 0]
    directory += littleEndian(crc) + short(size) + short(size)
    directory += littleEndian(UInt16(name.count)) + littleEndian(UInt16(extra.count))
    directory += [UInt8](repeating: 0, count: 10) + short(place) + name + extra
  }
  return bytes + directory
    + zipEnd(entries.count, directory: directory.count, at: bytes.count, zip64: zip64)
}

/// The records behind a central directory.
func zipEnd(_ count: Int, directory: Int, at start: Int, zip64: Bool) -> [UInt8] {
  var bytes: [UInt8] = []
  if zip64 {
    bytes += littleEndian(UInt32(0x0606_4b50)) + littleEndian(UInt64(44)) + [0, 0, 0, 0]
    bytes += [UInt8](repeating: 0, count: 8) + littleEndian(UInt64(count))
    bytes += littleEndian(UInt64(count)) + littleEndian(UInt64(directory))
    bytes += littleEndian(UInt64(start))
    bytes += littleEndian(UInt32(0x0706_4b50)) + [0, 0, 0, 0]
    bytes += littleEndian(UInt64(start + directory)) + [1, 0, 0, 0]
  }
  let short = { (value: Int) in littleEndian(zip64 ? .max : UInt32(value)) }
  bytes += littleEndian(UInt32(0x0605_4b50)) + [0, 0, 0, 0]
  bytes += littleEndian(UInt16(truncatingIfNeeded: count))
  bytes += littleEndian(UInt16(truncatingIfNeeded: count))
  return bytes + short(directory) + short(start) + [0, 0]
}

/// A file of torch 1.6 and later.
func torchZip(
  _ pickle: [UInt8], _ storages: [(key: String, bytes: [UInt8])], byteOrder: String? = "little"
) -> [UInt8] {
  zip(
    [ZipEntry(name: "archive/data.pkl", bytes: pickle)]
      + (byteOrder.map { [ZipEntry(name: "archive/byteorder", bytes: Array($0.utf8))] } ?? [])
      + storages.map { ZipEntry(name: "archive/data/\($0.key)", bytes: $0.bytes) }
      + [ZipEntry(name: "archive/version", bytes: Array("3\n".utf8))])
}

/// A file of torch before 1.6.
func torchLegacy(
  _ pickle: [UInt8], _ storages: [(key: String, count: Int, bytes: [UInt8])]
) -> [UInt8] {
  var bytes = LegacyStorages.magic
  bytes += [0x80, 2] + Array("}".utf8) + text("little_endian") + [0x88] + Array("s.".utf8)
  bytes += pickle + [0x80, 2] + Array("](".utf8)
  for storage in storages { bytes += text(storage.key) }
  bytes += Array("e.".utf8)
  for storage in storages { bytes += littleEndian(storage.count) + storage.bytes }
  return bytes
}

/// A small state dict with a matrix, its transpose in the same storage, and a half vector.
let smallTensors = [
  TorchTensor(name: "a", key: "0", count: 6, shape: [2, 3], strides: [3, 1]),
  TorchTensor(name: "t", key: "0", count: 6, shape: [3, 2], strides: [1, 3]),
  TorchTensor(
    name: "h", type: "HalfStorage", key: "1", count: 4, offset: 1, shape: [3], strides: [1]),
]

let smallStorages: [(key: String, count: Int, bytes: [UInt8])] = [
  ("0", 6, (0..<6).flatMap { littleEndian(Float($0).bitPattern) }),
  ("1", 4, (0..<4).flatMap { littleEndian(Float16($0).bitPattern) }),
]

let smallZip = torchZip(statePickle(smallTensors), smallStorages.map { ($0.key, $0.bytes) })
let smallLegacy = torchLegacy(statePickle(smallTensors, legacy: true), smallStorages)
