//! Requests, counted from lines: each with its latency, the totals of load tools, or plain lines.
//!
//! `latency_ms=4.2` anywhere in a line is one request. A number before `done`, `requests`, `responses` or
//! `queries` is a total, the largest counts (`200 done`, wrk's `12345 requests in 10.01s`, hey's
//! `[200] 1000 responses`), and so is ab's `Complete requests: 100`. Where neither is told each line is taken as a
//! request, if there are many: a tool that sums up prints few.

use parse::collections;

/// Fewer plain lines are no requests.
const FEWEST_LINES: u64 = 50;
/// Buckets of latency are 2 % wide, from a microsecond up to hours.
const WIDTH: f64 = 1.02;
const LEAST_MS: f64 = 0.001;
const BUCKETS: usize = 1200;

/// What was counted.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    lines: u64,
    timed: u64,
    total: u64,
    /// Milliseconds of collections, where lines tell of them.
    collected: Option<(f64, &'static str)>,
    buckets: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { lines: 0, timed: 0, total: 0, collected: None, buckets: vec![0; BUCKETS] }
    }
}

impl Tally {
    /// Takes a line; whether it told of requests itself.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let line = line.trim();
        if line.is_empty() {
            return false;
        }
        if let Some(one) = collections::collection(line) {
            let (before, by) = self.collected.unwrap_or((0.0, one.by));
            self.collected = Some((before + one.ms, by));
            return true;
        }
        self.lines += 1;
        if let Some(latency) = latency(line) {
            self.timed += 1;
            if let Some(bucket) = self.buckets.get_mut(bucket(latency)) {
                *bucket += 1;
            }
            return true;
        }
        let told = total(line);
        self.total = self.total.max(told.unwrap_or(0));
        told.is_some()
    }

    /// Requests until now.
    pub(crate) fn requests(&self) -> Option<u64> {
        match (self.timed.max(self.total), self.lines) {
            (0, lines) => (lines >= FEWEST_LINES).then_some(lines),
            (told, _) => Some(told),
        }
    }

    /// Seconds that collections took, and by whose word.
    pub(crate) fn collected(&self) -> Option<(f64, &'static str)> {
        self.collected.map(|(ms, by)| (ms / 1000.0, by))
    }

    /// By what they were counted, for a person.
    pub(crate) fn counted_by(&self) -> &'static str {
        if self.total > self.timed {
            "by the total it told"
        } else if self.timed > 0 {
            "by their latencies"
        } else {
            "each line as one"
        }
    }

    /// The latency below which this part of the requests lies, in milliseconds; 1 % too much at most.
    pub(crate) fn latency(&self, part: f64) -> Option<f64> {
        // No count of requests comes near 2^53.
        let rank = (self.timed as f64 * part).ceil().max(1.0) as u64;
        let mut below = 0;
        let at = self.buckets.iter().position(|count| {
            below += count;
            self.timed > 0 && below >= rank
        })?;
        Some(LEAST_MS * WIDTH.powf(at as f64 + 0.5))
    }
}

fn bucket(milliseconds: f64) -> usize {
    let place = (milliseconds.max(LEAST_MS) / LEAST_MS).ln() / WIDTH.ln();
    (place as usize).min(BUCKETS - 1)
}

/// `latency_ms=4.2`, also within JSON or quotes.
fn latency(line: &str) -> Option<f64> {
    let (_, after) = line.split_once("latency_ms")?;
    let after = after.trim_start_matches(['"', '\'', '=', ':', ' ']);
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    after.get(..end)?.parse().ok().filter(|it: &f64| it.is_finite())
}

fn total(line: &str) -> Option<u64> {
    if let Some(rest) = line.strip_prefix("Complete requests:") {
        return rest.trim().parse().ok();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let pairs = words.iter().zip(words.iter().skip(1)).enumerate();
    let told = pairs.filter_map(|(at, (number, noun))| {
        let noun = noun.trim_end_matches([',', '.', ';', ':']).to_ascii_lowercase();
        let is_total = matches!(noun.as_str(), "done" | "requests" | "responses" | "queries");
        // `500 requests per second` is a rate.
        let is_rate = words.get(at + 2).is_some_and(|word| word.eq_ignore_ascii_case("per"));
        number.parse().ok().filter(|_| is_total && !is_rate)
    });
    told.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for line in lines {
            tally.take(line);
        }
        tally
    }

    #[test]
    fn latencies_are_requests_and_have_percentiles() {
        let lines: Vec<String> =
            (1..=100).map(|ms| format!("GET / latency_ms={ms}.0 ok")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let tally = of(&lines);
        assert_eq!((tally.requests(), tally.counted_by()), (Some(100), "by their latencies"));
        let near = |part: f64, wanted: f64| {
            let found = tally.latency(part).unwrap();
            assert!((found / wanted - 1.0).abs() < 0.03, "{found} {wanted}");
        };
        near(0.5, 50.0);
        near(0.99, 99.0);
        assert_eq!(of(&[r#"{"latency_ms": 3.5}"#]).requests(), Some(1));
        assert_eq!(Tally::default().latency(0.5), None);
        // Nothing is too fast or too slow to be counted.
        assert_eq!(of(&["latency_ms=0", "latency_ms=99999999999999"]).timed, 2);
    }

    #[test]
    fn totals_of_load_tools_are_read() {
        for (line, wanted) in [
            ("200 done", 200),
            ("  12345 requests in 10.01s, 1.24MB read", 12_345),
            ("  [200]\t1000 responses", 1000),
            ("Complete requests:      77", 77),
            ("Completed 100 requests", 100),
        ] {
            assert_eq!(of(&[line]).requests(), Some(wanted), "{line}");
        }
        assert_eq!(of(&["5 done", "9 done"]).requests(), Some(9));
        for line in ["500 requests per second", "Requests/sec: 99.1", "done", "-5 done", "x done"] {
            assert_eq!(of(&[line]).requests(), None, "{line}");
        }
    }

    #[test]
    fn a_line_about_a_collection_is_no_request() {
        let scavenge =
            "[7:0x1] 45 ms: Scavenge 4.1 (5.2) -> 3.9 (6.2) MB, 0.5 / 0.0 ms  (average mu = 1)";
        let tally = of(&[scavenge, "latency_ms=3", scavenge]);
        assert_eq!((tally.requests(), tally.collected()), (Some(1), Some((0.001, "--trace-gc"))));
        assert_eq!(Tally::default().collected(), None);
    }

    #[test]
    fn plain_lines_are_requests_where_there_are_many() {
        assert_eq!(of(&["ok"; 49]).requests(), None);
        let many = of(&["ok"; 50]);
        assert_eq!((many.requests(), many.counted_by()), (Some(50), "each line as one"));
        assert_eq!(of(&["", "  "]).lines, 0);
    }
}
