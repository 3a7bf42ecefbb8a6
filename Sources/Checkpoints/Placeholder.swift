/// Placeholder until the module lands.
enum CheckpointsPlaceholder {}
