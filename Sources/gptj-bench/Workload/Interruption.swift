import Glibc
import Synchronization

/// Whether somebody asked the process to stop: a long run ends its step and saves first.
enum Interruption {
  private static let requested = Atomic<Bool>(false)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// From now on the first SIGINT or SIGTERM only sets the flag; the second ends the process.
  static func watch() {
    // Touched here, so that the handler meets it initialized.
    requested.store(false, ordering: .relaxed)
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in
        Interruption.requested.store(true, ordering: .relaxed)
      }
      action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      sigaction(signal, &action, nil)
      sigaddset(&signals, signal)
    }
    // A parent may have started us with them blocked, as a thread of its dispatch pool.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
