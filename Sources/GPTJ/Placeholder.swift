/// Placeholder until the module lands.
enum GPTJPlaceholder {}
