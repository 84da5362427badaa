//! Amounts of memory on the command line, as docker spells them: `512m`, `1.5g`.

use casefile::Bytes;
use settings::quantity::{self, Dialect};

/// An amount, also none at all.
pub(crate) fn amount(text: &str) -> Result<Bytes, String> {
    quantity::parse(text, Dialect::Binary)
        .ok_or_else(|| "a size is a number with b, k, m or g: 256m, 1.5g".to_owned())
}

/// An amount above 0.
pub(crate) fn size(text: &str) -> Result<Bytes, String> {
    let bytes = amount(text)?;
    if bytes.0 == 0 {
        return Err("a size above 0, such as 512m".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        assert_eq!((size("256m"), size("1.5g")), (Ok(Bytes(256 << 20)), Ok(Bytes(1536 << 20))));
        assert_eq!(amount("0"), Ok(Bytes(0)));
        assert!(size("0").is_err() && size("much").is_err() && amount("-1").is_err());
    }
}
