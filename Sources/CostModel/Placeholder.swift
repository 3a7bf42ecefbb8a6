/// Placeholder until the module lands.
enum CostModelPlaceholder {}
