import CHwloc
import COneDNN
import COpenBLAS
import CProcess
import Glibc
package import Regression

extension BenchmarkedTool {
  /// The executable of this process and the libraries it runs with.
  package static func ofThisProcess(version: String) -> BenchmarkedTool {
    var status = stat()
    let size = stat("/proc/self/exe", &status) == 0 ? Int(status.st_size) : 0
    return BenchmarkedTool(version: version, executableBytes: size, libraries: libraries)
  }

  private static var libraries: [String: String] {
    var libraries = ["glibc": String(cString: pc_libc_version())]
    if let version = dnnl_version() {
      let numbers = [version.pointee.major, version.pointee.minor, version.pointee.patch]
      libraries["oneDNN"] = numbers.map(String.init).joined(separator: ".")
    }
    if let configuration = openblas_get_config() {
      libraries["OpenBLAS"] = openBLASVersion(String(cString: configuration))
    }
    let hwloc = hwloc_get_api_version()
    libraries["hwloc"] = "\(hwloc >> 16).\(hwloc >> 8 & 0xff).\(hwloc & 0xff)"
    return libraries
  }

  /// `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...`: the version, without the core that it chose.
  private static func openBLASVersion(_ configuration: String) -> String {
    let words = configuration.split(separator: " ")
    return words.first { $0.first?.isNumber == true }.map(String.init) ?? configuration
  }
}
