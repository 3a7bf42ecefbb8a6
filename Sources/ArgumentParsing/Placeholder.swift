/// Placeholder until the module lands.
enum ArgumentParsingPlaceholder {}
