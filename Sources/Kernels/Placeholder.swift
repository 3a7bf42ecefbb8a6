/// Placeholder until the module lands.
enum KernelsPlaceholder {}
