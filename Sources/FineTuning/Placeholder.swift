/// Placeholder until the module lands.
enum FineTuningPlaceholder {}
