/// Placeholder until the module lands.
enum ReportingPlaceholder {}
