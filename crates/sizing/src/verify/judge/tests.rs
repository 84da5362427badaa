use super::super::watched::{Growth, Load};
use super::*;

const MIB: f64 = 1_048_576.0;

/// Two minutes under load in which nothing happened.
fn well() -> Watched {
    Watched {
        looks: 120,
        span_s: 120.0,
        lives: 1,
        limit_bytes: Some(160.0 * MIB),
        peak_mem_bytes: Some(96.0 * MIB),
        peak_firm_bytes: Some(96.0 * MIB),
        kills: Some(0.0),
        stalled_some: Some(0.0),
        stalled_full: Some(0.0),
        refaults_anon_per_s: Some(0.0),
        refaults_file_per_s: Some(0.0),
        cpus: Some(0.5),
        requests: Some(6000.0),
        requests_per_s: Some(50.0),
        cpu_ms_per_request: Some(10.0),
        latency_p50_ms: Some(4.0),
        latency_p99_ms: Some(20.0),
        gc_share: Some(0.04),
        ..Watched::default()
    }
}

fn verdict(before: Option<&Watched>, after: &Watched) -> Verdict {
    judge(before, after).verdict
}

/// The verdict beside `well`, after one change of it.
fn changed(change: impl Fn(&mut Watched)) -> Verdict {
    let mut after = well();
    change(&mut after);
    verdict(Some(&well()), &after)
}

#[test]
fn what_ran_well_under_the_same_load_holds() {
    let judged = judge(Some(&well()), &well());
    assert_eq!((judged.verdict, judged.not_known), (Verdict::Holds, vec![]));
    assert_eq!(
        judged.because,
        ["2.0 min under load, 6000 requests, no kill, peak 96 MiB of 160 MiB, \
          0.0 % of the time waiting for memory, 99 of 100 requests within 20.0 ms (20.0 before)"]
    );
    assert_eq!(verdict(None, &well()), Verdict::Holds);
    let mut before = well();
    before.kills = Some(3.0);
    assert!(judge(Some(&before), &well()).because[0].contains("no kill (3 before)"));
}

#[test]
fn a_kill_or_an_end_answers_at_once() {
    let killed = Watched {
        looks: 3,
        span_s: 2.0,
        kills: Some(2.0),
        first_kill_after_s: Some(1.5),
        ..Watched::default()
    };
    let judged = judge(None, &killed);
    assert_eq!(judged.verdict, Verdict::DoesNotHold);
    assert_eq!(judged.because, ["2 kills by an OOM killer, the first after 2 s"]);
    assert_eq!(changed(|it| it.lives = 2), Verdict::DoesNotHold);
    assert_eq!(changed(|it| it.ended = Some("it was removed".to_owned())), Verdict::DoesNotHold);
    let done = |it: &mut Watched| {
        (it.ended, it.ended_well) = (Some("it ended with 0".to_owned()), true);
        (it.span_s, it.requests, it.requests_per_s) = (10.0, None, None);
    };
    assert_eq!(changed(done), Verdict::Holds);
}

#[test]
fn a_minute_is_the_least_time() {
    assert_eq!(changed(|it| it.span_s = 59.0), Verdict::TooEarly);
    assert_eq!(changed(|it| it.span_s = 60.0), Verdict::Holds);
    assert_eq!(changed(|it| it.looks = 29), Verdict::TooEarly);
    assert_eq!(changed(|it| it.looks = 30), Verdict::Holds);
    assert_eq!(changed(|it| it.peak_mem_bytes = None), Verdict::TooEarly);
}

#[test]
fn what_was_killed_after_some_time_must_live_twice_as_long() {
    let before = |kill: f64| Watched { kills: Some(1.0), first_kill_after_s: Some(kill), ..well() };
    assert_eq!(verdict(Some(&before(60.0)), &well()), Verdict::Holds);
    let judged = judge(Some(&before(61.0)), &well());
    assert_eq!(judged.verdict, Verdict::TooEarly);
    assert_eq!(
        judged.because,
        ["watched for 2.0 min; at least 2.0 min (twice the 61 s after which it was killed before)"]
    );
}

#[test]
fn without_load_nothing_holds() {
    let idle = |it: &mut Watched| (it.requests, it.requests_per_s) = (None, None);
    // Processor time stands for load, where there is something to compare it with.
    assert_eq!(changed(idle), Verdict::Holds);
    assert_eq!(changed(|it| (idle(it), it.cpus = Some(0.24)).1), Verdict::TooEarly);
    assert_eq!(changed(|it| (idle(it), it.cpus = Some(0.25)).1), Verdict::Holds);
    let mut alone = well();
    idle(&mut alone);
    assert_eq!(verdict(None, &alone), Verdict::TooEarly);
    let run = |wall_s: f64, code| Some(Load { wall_s, code, was_cut: false });
    alone.load = run(59.0, Some(0));
    assert_eq!(verdict(None, &alone), Verdict::TooEarly);
    alone.load = run(60.0, Some(0));
    assert_eq!(verdict(None, &alone), Verdict::Holds);
    // A load that failed proves nothing, one that we ended does.
    for (code, was_cut, wanted) in [
        (Some(7), false, Verdict::TooEarly),
        (None, false, Verdict::TooEarly),
        (None, true, Verdict::Holds),
    ] {
        alone.load = Some(Load { wall_s: 90.0, code, was_cut });
        assert_eq!(verdict(None, &alone), wanted, "{code:?} {was_cut}");
    }
}

#[test]
fn a_load_command_that_leaves_the_container_idle_is_no_load() {
    let mut idle = Watched {
        cpus: Some(0.002),
        peak_mem_bytes: Some(12.0 * MIB),
        least_mem_bytes: Some(11.1 * MIB),
        load: Some(Load { wall_s: 70.0, code: Some(0), was_cut: false }),
        ..well()
    };
    (idle.requests, idle.requests_per_s) = (None, None);
    let judged = judge(None, &idle);
    assert_eq!(judged.verdict, Verdict::TooEarly);
    assert!(judged.because[0].contains("0.002 processors in use"), "{judged:?}");
    let uncounted = "how much of the load reached it: it counted no requests";
    assert_eq!(judged.not_known[0], uncounted);
    // Work of either kind shows, and what is not seen proves nothing.
    let works = Watched { cpus: Some(0.02), ..idle.clone() };
    let fills = Watched { least_mem_bytes: Some(8.0 * MIB), ..idle.clone() };
    let unseen = Watched { cpus: None, ..idle.clone() };
    for after in [works, fills, unseen] {
        let judged = judge(None, &after);
        assert_eq!(judged.verdict, Verdict::Holds, "{judged:?}");
        assert_eq!(judged.not_known[0], uncounted);
    }
    // What was counted was answered.
    idle.requests = Some(200.0);
    assert_eq!(verdict(None, &idle), Verdict::Holds);
}

#[test]
fn half_the_load_is_the_least() {
    assert_eq!(changed(|it| it.requests_per_s = Some(24.9)), Verdict::TooEarly);
    assert_eq!(changed(|it| it.requests_per_s = Some(25.0)), Verdict::Holds);
    assert_eq!(verdict(None, &Watched { requests: Some(49.0), ..well() }), Verdict::TooEarly);
    assert_eq!(verdict(None, &Watched { requests: Some(50.0), ..well() }), Verdict::Holds);
}

#[test]
fn a_leak_is_not_fixed_by_a_raise() {
    let grows =
        |left_s: f64| changed(|it| it.growth = Some(Growth { per_s: MIB, left_s, is_leak: true }));
    // What may still come to rest is not judged yet.
    let rises =
        |left_s: f64| changed(|it| it.growth = Some(Growth { per_s: MIB, left_s, is_leak: false }));
    assert_eq!((rises(64.0), rises(86_401.0)), (Verdict::TooEarly, Verdict::Holds));
    assert_eq!(grows(64.0), Verdict::DoesNotHold);
    assert_eq!(grows(86_400.0), Verdict::DoesNotHold);
    assert_eq!(grows(86_401.0), Verdict::Holds);
    let mut after = well();
    after.growth = Some(Growth { per_s: MIB, left_s: 64.0, is_leak: true });
    let said = judge(None, &after).because.join("");
    assert!(said.contains("60 MiB/min") && said.contains("full in 64 s"), "{said}");
}

#[test]
fn a_limit_that_is_nearly_full_does_not_hold() {
    assert_eq!(changed(|it| it.peak_firm_bytes = Some(152.1 * MIB)), Verdict::DoesNotHold);
    assert_eq!(changed(|it| it.peak_firm_bytes = Some(151.9 * MIB)), Verdict::Holds);
    // Files in use fill it without harm.
    assert_eq!(changed(|it| it.peak_mem_bytes = Some(159.0 * MIB)), Verdict::Holds);
    let unlimited = |it: &mut Watched| {
        (it.limit_bytes, it.peak_firm_bytes) = (None, Some(999.0 * MIB));
    };
    assert_eq!(changed(unlimited), Verdict::Holds);
    assert_eq!(changed(|it| it.stalled_full = Some(0.20)), Verdict::DoesNotHold);
    assert_eq!(changed(|it| it.stalled_full = Some(0.199)), Verdict::Holds);
}

#[test]
fn what_is_stuck_at_its_limit_does_not_hold() {
    let stuck = |free: f64, pages: f64| {
        let after = Watched {
            peak_firm_bytes: Some(160.0 * MIB * (1.0 - free)),
            refaults_file_per_s: Some(pages),
            ..well()
        };
        verdict(None, &after)
    };
    assert_eq!(stuck(0.24, 10_000.0), Verdict::DoesNotHold);
    assert_eq!(stuck(0.26, 10_000.0), Verdict::Holds);
    assert_eq!(stuck(0.24, 9_999.0), Verdict::Holds);
}

#[test]
fn cost_that_moved_to_the_collector_is_seen() {
    assert_eq!(changed(|it| it.gc_share = Some(0.10)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.gc_share = Some(0.099)), Verdict::Holds);
    let before = |share| Watched { gc_share: share, ..well() };
    let after = |share| Watched { gc_share: Some(share), ..well() };
    // It collected much at its old limit, and collects yet more.
    assert_eq!(verdict(Some(&before(Some(0.267))), &after(0.447)), Verdict::MovedTheCost);
    assert_eq!(verdict(Some(&before(Some(0.4))), &after(0.447)), Verdict::Holds);
    // It was as bad before.
    assert_eq!(verdict(Some(&before(Some(0.06))), &after(0.11)), Verdict::Holds);
    assert_eq!(verdict(Some(&before(None)), &after(0.24)), Verdict::Holds);
    assert_eq!(verdict(Some(&before(None)), &after(0.25)), Verdict::MovedTheCost);
    assert_eq!(verdict(None, &after(0.25)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.cpu_ms_per_request = Some(12.5)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.cpu_ms_per_request = Some(12.4)), Verdict::Holds);
    // Of few requests before the cost of each is not known.
    let few = Watched { requests: Some(49.0), ..well() };
    let dear = Watched { cpu_ms_per_request: Some(99.0), ..well() };
    assert_eq!(verdict(Some(&few), &dear), Verdict::Holds);
}

#[test]
fn cost_that_moved_to_whoever_waits_is_seen() {
    assert_eq!(changed(|it| it.latency_p50_ms = Some(5.0)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.latency_p50_ms = Some(4.9)), Verdict::Holds);
    assert_eq!(changed(|it| it.latency_p99_ms = Some(30.0)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.latency_p99_ms = Some(29.0)), Verdict::Holds);
    let fast = |p50: f64, p99: f64| Watched {
        latency_p50_ms: Some(p50),
        latency_p99_ms: Some(p99),
        ..well()
    };
    // Three times as long, and nobody waits longer.
    assert_eq!(verdict(Some(&fast(0.2, 1.0)), &fast(0.6, 5.9)), Verdict::Holds);
    assert_eq!(changed(|it| it.stalled_some = Some(0.02)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.stalled_some = Some(0.019)), Verdict::Holds);
    let alone = |some| verdict(None, &Watched { stalled_some: Some(some), ..well() });
    assert_eq!((alone(0.10), alone(0.099)), (Verdict::MovedTheCost, Verdict::Holds));
    let waited = |some| Watched { stalled_some: Some(some), ..well() };
    assert_eq!(verdict(Some(&waited(0.011)), &waited(0.021)), Verdict::Holds);
    assert_eq!(changed(|it| it.refaults_file_per_s = Some(1000.0)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.refaults_file_per_s = Some(999.0)), Verdict::Holds);
    assert_eq!(changed(|it| it.refaults_anon_per_s = Some(100.0)), Verdict::MovedTheCost);
    assert_eq!(changed(|it| it.refaults_anon_per_s = Some(99.0)), Verdict::Holds);
}

#[test]
fn a_load_that_is_timed_whole_stands_for_latency() {
    let run = |wall_s: f64, was_cut| Watched {
        latency_p50_ms: None,
        latency_p99_ms: None,
        load: Some(Load { wall_s, code: Some(0), was_cut }),
        ..well()
    };
    // 6,000 requests: 20 ms each, then 25.
    assert_eq!(verdict(Some(&run(120.0, false)), &run(150.0, false)), Verdict::MovedTheCost);
    assert_eq!(verdict(Some(&run(120.0, false)), &run(149.0, false)), Verdict::Holds);
    assert_eq!(verdict(Some(&run(120.0, true)), &run(150.0, true)), Verdict::Holds);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let mut before = well();
    (before.stalled_some, before.gc_share) = (None, None);
    let judged = judge(Some(&before), &well());
    assert_eq!(
        judged.not_known,
        ["waiting for memory: not measured before", "collections: not measured before"]
    );
    assert_eq!(judge(None, &well()).not_known.len(), 1);
}
