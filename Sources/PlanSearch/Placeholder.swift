/// Placeholder until the module lands.
enum PlanSearchPlaceholder {}
