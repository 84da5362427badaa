//! One look, and the table of looks: what `measure --save` writes and `verify --baseline` reads.
//!
//! Columns are found by their names, in any order; one that is not there was not known, and one that is not
//! known here is passed over. `series`, `t_s`, `mem_bytes`, `requests`, `kills` and `life` are those that
//! [`crate::table`] reads too.

use std::io::Read;

macro_rules! columns {
    ($($(#[$about:meta])* $name:ident: $decimals:literal,)*) => {
        /// What was there at one moment; counts and times of work are since the watch began.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct Look {
            /// Seconds since the watch began.
            pub t_s: f64,
            $($(#[$about])* pub $name: Option<f64>,)*
        }

        /// The columns, in the order in which they are written.
        pub const COLUMNS: &[&str] = &["series", "t_s", $(stringify!($name),)*];

        impl Look {
            fn fields(&self) -> Vec<(Option<f64>, usize)> {
                vec![(Some(self.t_s), 3), $((self.$name, $decimals),)*]
            }

            fn set(&mut self, column: &str, value: f64) {
                match column {
                    "t_s" => self.t_s = value,
                    $(stringify!($name) => self.$name = Some(value),)*
                    _ => {}
                }
            }
        }
    };
}

columns! {
    /// What the kernel cannot take back without harm.
    mem_bytes: 0,
    /// The limit in effect.
    limit_bytes: 0,
    /// All that is counted against it.
    usage_bytes: 0,
    /// Anonymous memory.
    anon_bytes: 0,
    /// Pages of files.
    file_bytes: 0,
    /// Of them, those in use.
    active_file_bytes: 0,
    /// Shared memory and tmpfs.
    shmem_bytes: 0,
    /// The kernel's own.
    kernel_bytes: 0,
    /// The most usage ever, as the kernel counts it.
    peak_bytes: 0,
    /// Requests answered.
    requests: 0,
    /// OOM kills.
    kills: 0,
    /// Which start of the container.
    life: 0,
    /// What the kernel cannot take back at all: `mem_bytes` without files.
    firm_bytes: 0,
    /// What lies in swap.
    swap_bytes: 0,
    /// How long the main process had lived, in seconds.
    age_s: 2,
    /// Hits of the own limit.
    limit_hits: 0,
    /// Seconds in which some task waited for memory.
    stalled_some_s: 6,
    /// Seconds in which all did.
    stalled_full_s: 6,
    /// Pages of programs' own memory that were read again.
    refaults_anon: 0,
    /// Pages of files that were read again.
    refaults_file: 0,
    /// Faults that waited for a disk.
    major_faults: 0,
    /// Pages looked at to take them back.
    scanned: 0,
    /// Pages taken back.
    reclaimed: 0,
    /// Processor time in seconds.
    cpu_s: 3,
    /// Java's collections in seconds.
    gc_s: 6,
    /// Median latency of all requests so far, in milliseconds.
    latency_p50_ms: 3,
    /// The slowest hundredth.
    latency_p99_ms: 3,
}

/// Why a table of looks cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Not a table.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// No time, or no memory.
    #[error("it has no column `{0}`")]
    Column(&'static str),
    /// A field that is no number.
    #[error("line {line}, column `{column}`: `{text}` is not a number of 0 or more")]
    Field {
        /// Counted from 1, the header is the first.
        line: u64,
        /// Its name.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A row that is longer or shorter than the header.
    #[error("line {line}: {found} fields where the header has {wanted}")]
    Fields {
        /// Counted from 1.
        line: u64,
        /// So many stand there.
        found: u64,
        /// So many should.
        wanted: u64,
    },
    /// Looks are taken one after the other.
    #[error("line {0}: its time lies before that of the line above")]
    Backwards(u64),
    /// Rows of more than one container.
    #[error("it holds several series, `{0}` and `{1}`")]
    Several(String, String),
    /// Nothing but a header.
    #[error("it has no rows")]
    Empty,
}

/// The looks of one series as a table.
///
/// # Errors
/// Never of what is in memory; the writer's own.
pub fn table_of(series: &str, looks: &[Look]) -> Result<String, LookError> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for look in looks {
        let fields = look.fields();
        let fields = fields.iter().map(|(value, decimals)| match value {
            Some(value) => format!("{value:.decimals$}"),
            None => String::new(),
        });
        out.write_record(std::iter::once(series.to_owned()).chain(fields))?;
    }
    let bytes = out.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The looks in a table of one series.
///
/// # Errors
/// It is no such table, or holds several series.
pub fn looks_of(table: impl Read) -> Result<Vec<Look>, LookError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(table);
    let names: Vec<String> = reader.headers().map_err(plain)?.iter().map(str::to_owned).collect();
    for needed in ["t_s", "mem_bytes"] {
        if !names.iter().any(|name| name == needed) {
            return Err(LookError::Column(needed));
        }
    }
    let mut looks: Vec<Look> = Vec::new();
    let mut series: Option<String> = None;
    for row in reader.records() {
        let row = row.map_err(plain)?;
        let line = row.position().map_or(0, csv::Position::line);
        let mut look = Look::default();
        for (name, text) in names.iter().zip(row.iter()) {
            if name == "series" {
                match &series {
                    None => series = Some(text.to_owned()),
                    Some(first) if first != text => {
                        return Err(LookError::Several(first.clone(), text.to_owned()));
                    }
                    Some(_) => {}
                }
            } else if COLUMNS.contains(&name.as_str()) && (!text.is_empty() || name == "t_s") {
                let value = text.parse().ok();
                let value = value.filter(|value: &f64| value.is_finite() && *value >= 0.0);
                let (column, text) = (name.clone(), text.to_owned());
                look.set(name, value.ok_or(LookError::Field { line, column, text })?);
            }
        }
        if looks.last().is_some_and(|last| look.t_s < last.t_s) {
            return Err(LookError::Backwards(line));
        }
        looks.push(look);
    }
    if looks.is_empty() { Err(LookError::Empty) } else { Ok(looks) }
}

fn plain(error: csv::Error) -> LookError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => LookError::Fields {
            line: pos.as_ref().map_or(0, csv::Position::line),
            found: *len,
            wanted: *expected_len,
        },
        _ => LookError::Csv(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let full = Look {
            t_s: 1.25,
            mem_bytes: Some(67_108_864.0),
            kills: Some(0.0),
            stalled_some_s: Some(0.000_125),
            cpu_s: Some(0.75),
            ..Look::default()
        };
        let looks = [full, Look { t_s: 2.25, ..Look::default() }];
        let text = table_of("a, \"b\"\n", &looks).unwrap();
        assert!(text.starts_with("series,t_s,mem_bytes,limit_bytes,usage_bytes,"), "{text}");
        assert_eq!(looks_of(text.as_bytes()).unwrap(), looks);
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "t_s,colour,mem_bytes\n0,blue,5\n1,,\n";
        let looks = looks_of(text.as_bytes()).unwrap();
        assert_eq!((looks[0].mem_bytes, looks[1].mem_bytes), (Some(5.0), None));
    }

    #[test]
    fn what_is_no_such_table_is_refused() {
        let said = |text: &str| looks_of(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(said("t_s,rss\n1,2\n"), "it has no column `mem_bytes`");
        assert_eq!(said("t_s,mem_bytes\n"), "it has no rows");
        assert_eq!(
            said("t_s,mem_bytes\n1,x\n"),
            "line 2, column `mem_bytes`: `x` is not a number of 0 or more"
        );
        assert!(said("t_s,mem_bytes\n1,inf\n").contains("not a number"));
        assert!(said("t_s,mem_bytes\n1,-5\n").contains("`-5` is not a number of 0 or more"));
        assert!(said("t_s,mem_bytes\n,5\n").contains("column `t_s`: ``"));
        assert_eq!(
            said("t_s,mem_bytes\n5,5\n4,5\n"),
            "line 3: its time lies before that of the line above"
        );
        assert_eq!(said("t_s,mem_bytes\n1,5\n2,5,6\n"), "line 3: 3 fields where the header has 2");
        assert!(said("series,t_s,mem_bytes\na,1,2\nb,1,2\n").contains("several series"));
    }
}
