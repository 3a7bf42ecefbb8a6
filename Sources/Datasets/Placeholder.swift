/// Placeholder until the module lands.
enum DatasetsPlaceholder {}
