//! Files that hold no text, told by their first bytes, and how their text is reached.
//!
//! Only kinds whose mark is certain are refused: a log that a crash left with a run of NUL bytes is
//! still a log. Marks after the formats' own documents: RFC 1952 (gzip), RFC 8878 (zstd), the xz,
//! bzip2, lz4 and ZIP formats, systemd's journal file format, ELF, PNG, JPEG, PDF.

use report::escape;

use crate::failure::{Failure, NOTHING};

/// What a kind of file is, and the command that makes text of it.
struct Kind {
    mark: &'static [u8],
    is: &'static str,
    /// Stands before the file's name; empty where no command can help.
    reader: &'static str,
}

const fn kind(mark: &'static [u8], is: &'static str, reader: &'static str) -> Kind {
    Kind { mark, is, reader }
}

const KINDS: [Kind; 12] = [
    kind(&[0x1f, 0x8b], "compressed", "zcat"),
    kind(&[0x28, 0xb5, 0x2f, 0xfd], "compressed", "zstdcat"),
    kind(b"\xfd7zXZ\0", "compressed", "xzcat"),
    kind(b"BZh91AY&SY", "compressed", "bzcat"),
    kind(&[0x04, 0x22, 0x4d, 0x18], "compressed", "lz4cat"),
    kind(b"PK\x03\x04", "an archive", "unzip -p"),
    kind(b"LPKSHHRH", "a journal in systemd's own form", "journalctl --file"),
    kind(b"\x7fELF", "a program, not text", ""),
    kind(b"\x89PNG\r\n", "a picture, not text; paste the text itself", ""),
    kind(&[0xff, 0xd8, 0xff], "a picture, not text; paste the text itself", ""),
    kind(b"%PDF-", "a PDF, not text; paste the text itself", ""),
    kind(b"\0asm", "a program, not text", ""),
];

/// Why these bytes are not read, if they are of such a kind.
pub(super) fn refusal(label: &str, bytes: &[u8]) -> Option<Failure> {
    let kind = KINDS.iter().find(|kind| bytes.starts_with(kind.mark))?;
    let failure = Failure::new(NOTHING, format!("`{label}` is {}", kind.is));
    let hint = match kind.reader {
        "" => "journalctl -k --since '-1 hour' | why137 explain -".to_owned(),
        reader => format!("{reader} {} | why137 explain -", escape::shell_word(label)),
    };
    Some(failure.hint(hint))
}
