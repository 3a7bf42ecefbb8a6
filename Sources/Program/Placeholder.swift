/// Placeholder until the module lands.
enum ProgramPlaceholder {}
