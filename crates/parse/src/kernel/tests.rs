//! Examples by version, and properties.
