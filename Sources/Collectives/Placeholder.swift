/// Placeholder until the module lands.
enum CollectivesPlaceholder {}
