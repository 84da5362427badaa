//! The kinds of series: first what leaks, then what does not and could be taken for it.

use super::{Cache, Collector, Held, Kind, Leak, Load, Per};

/// What leaks; each is recorded in every runtime.
pub(super) const LEAKS: &[Kind] = &[
    Kind::leaks(
        "leak-half",
        "0.5 % of the limit an hour, whatever the load",
        Load::Even,
        Leak::of(0.5, Per::Time),
    ),
    Kind {
        garbage: 24_576,
        ..Kind::leaks(
            "leak-under-garbage",
            "0.7 % an hour per request, under much garbage",
            Load::Daily,
            Leak::of(0.7, Per::Request),
        )
    },
    Kind::leaks(
        "leak-one",
        "1 % an hour, whatever the load, which has a night",
        Load::Night,
        Leak::of(1.0, Per::Time),
    ),
    Kind::leaks(
        "leak-one-request",
        "1 % an hour per request, so nothing grows at night",
        Load::Night,
        Leak::of(1.0, Per::Request),
    ),
    Kind {
        cache: Cache::Number(0.06, 4.0),
        ..Kind::leaks(
            "leak-beside-a-cache",
            "2 % an hour per request beside a cache that fills in four hours",
            Load::Bursts,
            Leak::of(2.0, Per::Request),
        )
    },
    Kind::leaks(
        "leak-two-steps",
        "2 % an hour per request under a load that changes its level",
        Load::Steps,
        Leak::of(2.0, Per::Request),
    ),
    Kind::leaks(
        "leak-five",
        "5 % an hour per request until the kernel ends it",
        Load::Daily,
        Leak::of(5.0, Per::Request),
    ),
    Kind::leaks(
        "leak-ten",
        "10 % an hour until the kernel ends it",
        Load::Daily,
        Leak::of(10.0, Per::Time),
    ),
    Kind::leaks(
        "leak-thirty",
        "30 % an hour until the kernel ends it",
        Load::Even,
        Leak::of(30.0, Per::Time),
    ),
    Kind::leaks(
        "leak-outside",
        "1.5 % an hour outside the heap",
        Load::Daily,
        Leak { is_off_heap: true, ..Leak::of(1.5, Per::Time) },
    ),
    Kind::leaks(
        "leak-outside-request",
        "5 % an hour outside the heap per request, until the kernel ends it",
        Load::Bursts,
        Leak { is_off_heap: true, ..Leak::of(5.0, Per::Request) },
    ),
    Kind::leaks(
        "leak-late",
        "2 % an hour, which begins after two hours",
        Load::Even,
        Leak { from: 2.0, ..Leak::of(2.0, Per::Time) },
    ),
    Kind {
        held: Held { swing: 0.10, ..Held::of(0.02) },
        ..Kind::leaks(
            "leak-under-a-swing",
            "0.6 % an hour under sessions that swing with the day by far more",
            Load::Daily,
            Leak::of(0.6, Per::Time),
        )
    },
    Kind {
        collector: Collector::Lazy,
        garbage: 16_384,
        ..Kind::leaks(
            "leak-lazy",
            "1 % an hour under a collector that comes late",
            Load::Daily,
            Leak::of(1.0, Per::Time),
        )
    },
];

/// What does not; likewise.
pub(super) const OTHERS: &[Kind] = &[
    Kind::of("steady", "nothing but its load", Load::Even),
    Kind::of("daily", "nothing but its load, which swings with the day", Load::Daily),
    Kind {
        cache: Cache::Number(0.2, 0.5),
        ..Kind::of("cache-quick", "a cache of so many entries, full after half an hour", Load::Even)
    },
    Kind {
        cache: Cache::Number(0.22, 3.0),
        ..Kind::of("cache-three", "a cache of so many entries, full after three hours", Load::Daily)
    },
    Kind {
        cache: Cache::Size(0.2, 6.0),
        ..Kind::of("cache-six", "a cache of so many bytes, full after six hours", Load::Even)
    },
    Kind {
        cache: Cache::Size(0.2, 10.0),
        ..Kind::of("cache-ten", "a cache of so many bytes, full after ten hours", Load::Night)
    },
    Kind {
        cache: Cache::Keys(0.2, 4.0),
        ..Kind::of("cache-keys", "a cache without a bound, of four hours' keys", Load::Daily)
    },
    Kind {
        cache: Cache::Keys(0.15, 8.0),
        ..Kind::of("cache-keys-slow", "a cache without a bound, of eight hours' keys", Load::Bursts)
    },
    Kind {
        collector: Collector::Lazy,
        garbage: 24_576,
        ..Kind::of("lazy", "a collector that comes late, much garbage", Load::Daily)
    },
    Kind {
        collector: Collector::Lazy,
        garbage: 4096,
        rate: 30.0,
        ..Kind::of("lazy-slow", "a collector that comes late, little garbage", Load::Even)
    },
    Kind {
        collector: Collector::Lazy,
        garbage: 12_288,
        held: Held { swing: 0.05, ..Held::of(0.03) },
        ..Kind::of("lazy-night", "a collector that comes late, sessions, and a night", Load::Night)
    },
    Kind {
        warm: (240.0, 0.5),
        ..Kind::of("warm-half", "modules, classes or workers for half an hour", Load::Even)
    },
    Kind {
        warm: (300.0, 2.0),
        ..Kind::of("warm-two", "modules, classes or workers for two hours", Load::Daily)
    },
    Kind {
        warm: (400.0, 5.0),
        ..Kind::of("warm-five", "modules, classes or workers for five hours", Load::Steps)
    },
    Kind {
        held: Held { pool: (0.15, 3.0), ..Held::of(0.05) },
        ..Kind::of("pool", "a pool of connections that is full after three hours", Load::Daily)
    },
    Kind {
        held: Held { pool: (0.10, 1.0), steps: &[(9.0, 0.10)], ..Held::of(0.05) },
        ..Kind::of("step", "a larger model is loaded once, after nine hours", Load::Even)
    },
    Kind {
        held: Held { steps: &[(3.0, 0.06), (5.5, 0.05), (14.0, -0.08)], ..Held::of(0.08) },
        ..Kind::of("stairs", "two steps up within six hours, and one down later", Load::Daily)
    },
    Kind {
        held: Held { swing: 0.12, ..Held::of(0.02) },
        ..Kind::of("sessions", "sessions that swing with the day", Load::Daily)
    },
    Kind {
        held: Held { swing: 0.12, ..Held::of(0.02) },
        ..Kind::of("sessions-night", "sessions that are gone at night", Load::Night)
    },
    Kind {
        held: Held { swing: 0.04, bursts: 0.15, ..Held::of(0.05) },
        garbage: 16_384,
        ..Kind::of("bursts", "bursts of requests, and of large answers", Load::Bursts)
    },
    Kind {
        slots: (0.22, 4),
        ..Kind::of("fragments", "buffers of all sizes; Python: in four threads", Load::Daily)
    },
    Kind {
        slots: (0.22, 0),
        rate: 20.0,
        ..Kind::of("fragments-slow", "buffers of all sizes come and go slowly", Load::Steps)
    },
    Kind {
        held: Held { flushed: (0.12, 3.0), ..Held::of(0.05) },
        ..Kind::of("buffer", "a buffer that is written out every three hours", Load::Even)
    },
    Kind {
        held: Held { flushed: (0.15, 7.0), ..Held::of(0.04) },
        ..Kind::of("buffer-long", "a buffer that is written out every seven hours", Load::Daily)
    },
    Kind {
        log: 512,
        ..Kind::of("log", "a log of 24 MiB: file cache grows, memory does not", Load::Daily)
    },
    Kind {
        held: Held { start: (0.25, 0.4), ..Held::of(0.05) },
        ..Kind::of("start", "a start that takes more than all that follows", Load::Night)
    },
];
