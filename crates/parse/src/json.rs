//! JSON that may be cut: values with the bytes they stand at.
