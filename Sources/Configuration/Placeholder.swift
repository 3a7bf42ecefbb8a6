/// Placeholder until the module lands.
enum ConfigurationPlaceholder {}
