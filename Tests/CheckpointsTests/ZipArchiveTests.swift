import Glibc
import Testing

@testable import Checkpoints

@Suite struct ZipArchiveTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> ZipArchive {
    let path = try folder.file("a.zip", holding: bytes)
    return try ZipArchive(FileDescriptor(path: path, flags: O_RDONLY))
  }

  private let entries = [
    ZipEntry(name: "r/a", bytes: [1, 2, 3]), ZipEntry(name: "r/ä", bytes: []),
    ZipEntry(name: "r/b", bytes: [4, 5]),
  ]

  @Test(arguments: [true, false])
  func `Stored files are read, with and without Zip64`(zip64: Bool) throws {
    let archive = try open(zip(entries, zip64: zip64))
    #expect(archive.entries.keys.sorted() == ["r/a", "r/b", "r/ä"])
    for entry in entries {
      #expect(try archive.contents(of: entry.name, limit: 3) == entry.bytes)
    }
    #expect { try archive.contents(of: "r/a", limit: 2) } throws: { "\($0)".contains("at most 2") }
  }

  @Test func `A comment is passed over, also one that looks like the end`() throws {
    var bytes = zip(entries)
    let comment = littleEndian(UInt32(0x0605_4b50)) + [UInt8](repeating: 7, count: 30)
    bytes.replaceSubrange(bytes.count - 2..<bytes.count, with: littleEndian(UInt16(comment.count)))
    #expect(try open(bytes + comment).entries.count == 3)
  }

  /// Names what is changed in one entry of an archive, and the message.
  @Test(arguments: [
    (ZipEntry(name: "x", bytes: [1], method: 8), "neither compressed nor encrypted"),
    (ZipEntry(name: "x", bytes: [1], flags: 1), "neither compressed nor encrypted"),
    (ZipEntry(name: "x", bytes: [1], size: 1 << 40), "end before the directory"),
    (ZipEntry(name: "x", bytes: [1], size: .max), "end before the directory"),
    (ZipEntry(name: "x", bytes: [1], place: 0), "no overlap"),
    (ZipEntry(name: "x", bytes: [1], place: 1), "a local header at byte 1"),
    (ZipEntry(name: "x", bytes: [1], place: .max), "before the directory"),
    (ZipEntry(name: "r/a", bytes: [1]), "each name once"),
  ])
  func wrongEntries(entry: ZipEntry, expected: String) throws {
    #expect { try open(zip([entries[0], entry, entries[2]])) } throws: {
      "\($0)".contains(expected) && "\($0)".contains("entry \"")
    }
  }

  /// Bytes of the last record, or the Zip64 one, that are set to a lie.
  @Test(arguments: [
    (fromEnd: 10, [0, 0, 0, 0x7F], zip64: false, "of at most 16777216 bytes"),
    (fromEnd: 10, [0, 0, 0x10, 0], zip64: false, "within the file"),
    (fromEnd: 6, [0, 0, 0, 0x7F], zip64: false, "within the file"),
    (
      fromEnd: 34, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], zip64: true, "within the file"
    ),
    (fromEnd: 34, [0], zip64: true, "a Zip64 record at"),
    (fromEnd: 58, [0xFF, 0xFF, 0xFF, 0xFF], zip64: true, "of at most 16777216 bytes"),
    (fromEnd: 50, [0xFF, 0xFF, 0xFF, 0xFF], zip64: true, "within the file"),
    (fromEnd: 50, [1], zip64: true, "an entry at byte"),
  ])
  func wrongEnds(fromEnd: Int, lie: [UInt8], zip64: Bool, expected: String) throws {
    var bytes = zip(entries, zip64: zip64)
    let place = bytes.count - fromEnd
    bytes.replaceSubrange(place..<place + lie.count, with: lie)
    #expect { try open(bytes) } throws: { "\($0)".contains(expected) }
  }

  @Test func `Millions of entries are refused before they are read`() throws {
    let count = 400_000
    let entry: [UInt8] =
      littleEndian(UInt32(0x0201_4b50)) + [UInt8](repeating: 0, count: 42)
    let directory = [[UInt8]](repeating: entry, count: count).flatMap { $0 }
    let bytes = directory + zipEnd(count, directory: directory.count, at: 0, zip64: true)
    #expect { try open(bytes) } throws: { "\($0)".contains("of at most 16777216 bytes") }
  }
}
