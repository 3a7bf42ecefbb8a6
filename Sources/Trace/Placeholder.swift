/// Placeholder until the module lands.
enum TracePlaceholder {}
