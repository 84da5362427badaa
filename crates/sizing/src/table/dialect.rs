//! How a table is written: gzip or plain, which sign parts its fields, what stands before its header.
//!
//! A spreadsheet of a land with decimal commas parts fields by semicolons; others by tabs. Whatever comes, the
//! lines are counted as they stand in the file.

use std::io::{self, BufReader, Cursor, Read};

use super::{Open, TableError};

/// So much of the beginning is looked at; a header is shorter.
const HEAD: u64 = 1 << 20;

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between two fields.
    pub(super) delimiter: u8,
    /// Lines before the header.
    pub(super) skipped: u64,
}

/// A reader that stands before the header.
pub(super) fn open_table(
    open: &Open<'_>,
) -> Result<(csv::Reader<Box<dyn Read>>, Dialect), TableError> {
    let mut input = unpacked(open()?)?;
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Some(what) = no_text(&head) {
        return Err(TableError::NoTable(what));
    }
    let (dialect, from) = dialect(&head);
    let rest = head.split_off(from);
    let whole: Box<dyn Read> = Box::new(Cursor::new(rest).chain(input));
    let reader = csv::ReaderBuilder::new()
        .buffer_capacity(1 << 18)
        .trim(csv::Trim::Headers)
        .delimiter(dialect.delimiter)
        .flexible(true)
        .from_reader(whole);
    Ok((reader, dialect))
}

fn unpacked(input: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    Ok(match io::BufRead::fill_buf(&mut input)? {
        [0x1f, 0x8b, ..] => Box::new(Gzip(flate2::bufread::MultiGzDecoder::new(input))),
        _ => Box::new(input),
    })
}

/// Says that it is the packing that is damaged, not the table in it.
struct Gzip<R>(R);

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| {
            let what = format!("its gzip data is damaged or cut short: {error}");
            io::Error::new(error.kind(), what)
        })
    }
}

/// Why the beginning is no table.
fn no_text(head: &[u8]) -> Option<&'static str> {
    match head {
        [] => Some("it is empty: there is no header row"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it is UTF-16: save it as UTF-8"),
        _ if head.iter().take(1024).any(|byte| *byte == 0) => Some("it is no text"),
        _ if head.trim_ascii_start().starts_with(b"{") => Some("it is JSON: a table is CSV"),
        _ if head.len() as u64 == HEAD
            && !head.iter().any(|byte| matches!(byte, b'\n' | b'\r')) =>
        {
            Some("its first line has no end within 1 MiB")
        }
        _ => None,
    }
}

/// The dialect, and where the header begins.
fn dialect(head: &[u8]) -> (Dialect, usize) {
    let (mut from, mut skipped) = (0, 0);
    let mut rest = head;
    // Notes before the header, as annotated tables have them.
    while rest.first() == Some(&b'#')
        && let Some(end) = rest.iter().position(|byte| *byte == b'\n')
    {
        from += end + 1;
        skipped += 1;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    let line = rest.trim_ascii_start();
    let line = line.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    // Of equally many the first counts: `;` before the tab that may follow it.
    let best = [b'|', b'\t', b';', b','].map(|sign| (sign, count(line, sign)));
    let (delimiter, most) = best.into_iter().max_by_key(|(_, count)| *count).unwrap_or((b',', 0));
    let delimiter = if most == 0 { b',' } else { delimiter };
    (Dialect { delimiter, skipped }, from)
}

/// How often a sign stands outside of quotes.
fn count(line: &[u8], sign: u8) -> usize {
    let mut quoted = false;
    let outside = line.iter().filter(|byte| {
        quoted ^= **byte == b'"';
        !quoted && **byte == sign
    });
    outside.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_what_parts_the_fields() {
        let of = |head: &str| (dialect(head.as_bytes()).0.delimiter, dialect(head.as_bytes()).1);
        assert_eq!(of("t_s,mem_mib\n"), (b',', 0));
        assert_eq!(of("t_s;mem_mib\n1;2,5\n"), (b';', 0));
        assert_eq!(of("t_s;\tmem_mib\n"), (b';', 0));
        assert_eq!(of("t_s\tmem_mib"), (b'\t', 0));
        assert_eq!(of("\"a;b;c\",d\n"), (b',', 0));
        assert_eq!(of("#group,false\n#default,\n,result,_time\n"), (b',', 23));
        assert_eq!(of("one"), (b',', 0));
    }
}
