//! Amounts as the dialects spell them, exact.

use casefile::Bytes;

/// `512m`, as docker and Compose read it.
#[must_use]
pub fn docker_size(bytes: Bytes) -> String {
    match bytes.0 {
        size if size.is_multiple_of(1 << 20) => format!("{}m", size >> 20),
        size if size.is_multiple_of(1 << 10) => format!("{}k", size >> 10),
        size => format!("{size}b"),
    }
}

/// `512Mi`, as Kubernetes reads it.
#[must_use]
pub fn kubernetes_size(bytes: Bytes) -> String {
    match bytes.0 {
        size if size.is_multiple_of(1 << 20) => format!("{}Mi", size >> 20),
        size if size.is_multiple_of(1 << 10) => format!("{}Ki", size >> 10),
        size => size.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::quantity::{Dialect, parse};

    #[test]
    fn a_size_is_read_as_what_it_was() {
        for size in [1u64 << 29, 1_536 << 10, 1_000_000, 1] {
            assert_eq!(parse(&docker_size(Bytes(size)), Dialect::Binary), Some(Bytes(size)));
            assert_eq!(
                parse(&kubernetes_size(Bytes(size)), Dialect::Kubernetes),
                Some(Bytes(size))
            );
        }
    }
}
