/// Placeholder until the module lands.
enum EmulatorPlaceholder {}
