/// Placeholder until the module lands.
enum TopologyPlaceholder {}
