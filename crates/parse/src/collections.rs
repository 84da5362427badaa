//! What a garbage collector took, from the lines that runtimes print about it when they are told to.
//!
//! Go's `GODEBUG=gctrace=1`, Node's `--trace-gc`, Java's `-Xlog:gc` (and its older form). Only what is spent is
//! read, not what was freed. Go tells processor time, of which the idle part was nobody's loss; Node and Java tell
//! pauses. Leans on Go's runtime/extern.go, V8's heap/gc-tracer.cc, JEP 158 and 271.

/// What one collection took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Collection {
    /// Milliseconds.
    pub ms: f64,
    /// Who says so: `gctrace`, `--trace-gc`, `-Xlog:gc`.
    pub by: &'static str,
}

/// The collection that a line is about.
#[must_use]
pub fn collection(line: &str) -> Option<Collection> {
    let line = line.trim();
    let told = |ms: Option<f64>, by| {
        let ms = ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
        ms.map(|ms| Collection { ms, by })
    };
    told(go(line), "gctrace")
        .or_else(|| told(node(line), "--trace-gc"))
        .or_else(|| told(java(line), "-Xlog:gc"))
}

/// `gc 14 @3.017s 2%: 0.026+0.39+0.10 ms clock, 0.21+0.88/0.52/0+0.84 ms cpu, 7->11->6 MB, 8 MB goal, …`
fn go(line: &str) -> Option<f64> {
    let rest = line.strip_prefix("gc ")?;
    let (number, rest) = rest.split_once(" @")?;
    number.parse::<u64>().ok()?;
    let (_, cpu) = rest.split_once(" ms clock, ")?;
    let (cpu, _) = cpu.split_once(" ms cpu")?;
    let mut phases = cpu.split('+');
    let (sweep, mark, end) = (phases.next()?, phases.next()?, phases.next()?);
    // Assists, background work, and what idle processors did.
    let mut mark = mark.split('/');
    let (assist, background) = (mark.next()?, mark.next()?);
    [sweep, assist, background, end]
        .iter()
        .try_fold(0.0, |sum, part| Some(sum + part.trim().parse::<f64>().ok()?))
}

/// `[1:0x5581]     2345 ms: Mark-Compact (reduce) 23.1 (25.0) -> 20.0 (23.0) MB, 12.34 / 0.00 ms  (average mu = …`
fn node(line: &str) -> Option<f64> {
    let (head, rest) = line.split_once(" ms: ")?;
    let kinds = ["Scavenge", "Mark-", "Minor Mark-"];
    if !head.starts_with('[') || !kinds.iter().any(|kind| rest.starts_with(kind)) {
        return None;
    }
    let (before, after) = rest.split_once(" / ")?;
    let (_, ends) = after.split_once(' ')?;
    let number = before.rsplit([' ', ',']).next()?;
    number.parse().ok().filter(|_| ends.starts_with("ms"))
}

/// `[0.123s][info][gc] GC(3) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms`, and up to Java 8
/// `[GC (Allocation Failure)  33280K->4128K(125952K), 0.0040 secs]`.
fn java(line: &str) -> Option<f64> {
    if let Some((_, rest)) = line.split_once("GC(") {
        let (number, rest) = rest.split_once(") ")?;
        number.parse::<u64>().ok()?;
        let ms = rest.strip_prefix("Pause ")?.rsplit(' ').next()?.strip_suffix("ms")?;
        return ms.parse().ok();
    }
    let is_old = line.contains("[GC (") || line.contains("[Full GC (");
    let (_, seconds) = line.strip_suffix(" secs]").filter(|_| is_old)?.rsplit_once(", ")?;
    seconds.parse::<f64>().ok().map(|seconds| seconds * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(line: &str) -> Option<f64> {
        collection(line).map(|it| (it.ms * 1000.0).round() / 1000.0)
    }

    #[test]
    fn each_runtimes_lines_are_read() {
        let go = "gc 14 @3.017s 2%: 0.026+0.39+0.10 ms clock, 0.21+0.88/0.52/7.5+0.84 ms cpu, 7->11->6 MB, 8 MB goal, 0 MB stacks, 0 MB globals, 8 P";
        assert_eq!(ms(go), Some(2.45));
        let node = "[41:0x6c1f000]     2345 ms: Mark-Compact (reduce) 23.1 (25.0) -> 20.0 (23.0) MB, 12.34 / 0.01 ms  (average mu = 0.9, current mu = 0.9) allocation failure; scavenge might not succeed";
        assert_eq!(ms(node), Some(12.34));
        let newer = "[7:0x1]      45 ms: Scavenge 4.1 (5.2) -> 3.9 (6.2) MB, pooled: 0 MB, 0.84 / 0.00 ms  (average mu = 1.000, current mu = 1.000) task;";
        assert_eq!(ms(newer), Some(0.84));
        let java = "[0.123s][info][gc] GC(3) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms";
        assert_eq!(ms(java), Some(3.456));
        let old = "1.234: [GC (Allocation Failure) [PSYoungGen: 33280K->512K(38400K)] 33280K->4128K(125952K), 0.0040 secs]";
        assert_eq!(ms(old), Some(4.0));
        assert_eq!(collection(go).unwrap().by, "gctrace");
    }

    #[test]
    fn what_is_no_collection_or_no_pause_is_not_counted() {
        for line in [
            "",
            "gc ",
            "gc x @1s 2%: 1+1+1 ms clock, 1+1/1/1+1 ms cpu",
            "gc 1 @1s 2%: 1+1+1 ms clock, 1+x/1/1+1 ms cpu, 4->4->1 MB",
            "[1:0x1] 45 ms: Scavenge",
            "[1:0x1] 45 ms: Request 1, 2 / 3 ms",
            "worker 45 ms: Scavenge 4.1 -> 3.9 MB, 0.84 / 0.00 ms  (task)",
            // Time that no clock shows.
            "[1:0x1] 45 ms: Scavenge 4.1 -> 3.9 MB, -0.84 / 0.00 ms  (task)",
            "[1:0x1] 45 ms: Scavenge 4.1 -> 3.9 MB, inf / 0.00 ms  (task)",
            "[0.1s][info][gc] GC(3) Concurrent Mark Cycle 3.4ms",
            "[0.1s][info][gc] GC(3) Pause Young 24M->4M(256M)",
            "[0.1s][info][gc] Using G1",
            "[GC (Allocation Failure) x secs]",
            "GET /gc 200 latency_ms=4",
        ] {
            assert_eq!(collection(line), None, "{line}");
        }
    }
}
