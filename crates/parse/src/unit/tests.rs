use super::*;
use casefile::Moment;
use proptest::prelude::*;

fn unit(text: &str) -> UnitRecord {
    let mut found = read(text);
    assert_eq!(found.len(), 1, "{found:?}");
    match found.remove(0).record {
        Record::Unit(unit) => *unit,
        other => panic!("{other:?}"),
    }
}

const KILLED: &str = "Type=simple\nTimeoutStopUSec=1min 30s\nRuntimeMaxUSec=infinity\nWatchdogUSec=0\nMainPID=0\nResult=signal\nNRestarts=4\nOOMPolicy=stop\n\
ExecMainStartTimestamp=Sun 2026-11-22 17:46:35.931 UTC\nExecMainExitTimestamp=Sun 2026-11-22 17:46:36.02 UTC\nExecMainPID=96\nExecMainCode=2\nExecMainStatus=9\n\
ExecStart={ path=/opt/hog ; argv[]=/opt/hog 200 ; ignore_errors=no ; pid=96 }\nSlice=system.slice\nControlGroup=\nMemoryCurrent=[not set]\nMemoryHigh=infinity\nMemoryMax=67108864\nMemoryLimit=infinity\nKillSignal=15\nId=own.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n";

#[test]
fn a_moment_of_systemd_is_one_in_utc() {
    let moment = systemd_moment("Sun 2026-11-22 17:46:39 UTC");
    assert_eq!(moment, Moment::parse("2026-11-22T17:46:39Z"));
    assert_eq!(systemd_moment("n/a"), None);
}

#[test]
fn a_units_state_tells_a_signal_from_a_status() {
    let own = unit(KILLED);
    assert_eq!(own.name, "own.service");
    assert_eq!(own.end, Some(MainEnd::Killed(9)));
    assert_eq!((own.exec_main_pid, own.main_pid, own.cgroup.clone()), (Some(96), None, None));
    assert_eq!(own.memory_max, Some(Limit::At(Bytes(67_108_864))));
    assert_eq!((own.memory_current, own.memory_high), (None, Some(Limit::Unlimited)));
    assert_eq!((own.stop_timeout, own.runtime_max, own.watchdog), (Some(90.0), None, None));
    assert_eq!(own.command, ["/opt/hog", "200"]);
    assert_eq!((own.kill_signal, own.restarts), (Some(15), Some(4)));
    assert!(!own.is_up());
    assert_eq!(own.span_of("result").unwrap().of(KILLED), Some("Result=signal"));
    let chose =
        unit(&KILLED.replace("ExecMainCode=2", "ExecMainCode=1").replace("Status=9", "Status=137"));
    assert_eq!(chose.end, Some(MainEnd::Exited(137)));
    let alive = unit(
        &KILLED.replace("ExecMainCode=2", "ExecMainCode=0").replace("State=failed", "State=active"),
    );
    assert_eq!(alive.end, None);
    assert!(alive.is_up());
}

#[test]
fn several_units_are_several_records() {
    let two = format!("{KILLED}\n{}", KILLED.replace("own.service", "two.service"));
    assert_eq!(read_show(&two).len(), 2);
    assert_eq!(read_show(&two.replace("\n\n", "\n")).len(), 2);
}

#[test]
fn the_old_name_of_the_limit_counts_where_the_new_one_is_not_set() {
    let old = KILLED
        .replace("MemoryMax=67108864", "MemoryMax=infinity")
        .replace("MemoryLimit=infinity", "MemoryLimit=33554432");
    assert_eq!(unit(&old).memory_max, Some(Limit::At(Bytes(33_554_432))));
    let both = KILLED.replace("MemoryLimit=infinity", "MemoryLimit=33554432");
    assert_eq!(unit(&both).memory_max, Some(Limit::At(Bytes(67_108_864))));
}

#[test]
fn other_blocks_of_keys_and_values_are_no_units() {
    for other in [
        "Id=3fc28fa1c647\nActiveState=x\n",
        "ID=debian\nVERSION_ID=12\n",
        "Id=api.service\nName=x\n",
        "Id=.service\nActiveState=failed\n",
        "Id=a b.service\nActiveState=failed\n",
    ] {
        assert!(read(other).is_empty(), "{other}");
    }
}

#[test]
fn the_page_of_a_status_is_read_like_the_state() {
    let text = "$ systemctl status stubborn\n× stubborn.service - Lab stubborn\n     Loaded: loaded (/etc/systemd/system/stubborn.service; static)\n     Active: failed (Result: timeout) since Sun 2026-11-22 17:46:39 UTC; 29s ago\n   Duration: 1.350s\n    Process: 103 ExecStart=/opt/stubborn (code=killed, signal=KILL)\n   Main PID: 103 (code=killed, signal=KILL)\n\nNov 22 17:46:36 sdlab systemd[1]: Started stubborn.service - Lab stubborn.\n";
    let failed = unit(text);
    assert_eq!(failed.result.as_deref(), Some("timeout"));
    assert_eq!((failed.end, failed.exec_main_pid), (Some(MainEnd::Killed(9)), Some(103)));
    assert_eq!(failed.exited_at, Moment::parse("2026-11-22T17:46:39Z"));
    let up = "● web.service - Web\n   Loaded: loaded (/x; enabled)\n   Active: active (running) since Sun 2026-11-22 17:46:39 UTC; 2h ago\n Main PID: 812 (nginx)\n   CGroup: /system.slice/web.service\n           └─812 nginx\n";
    let up = unit(up);
    assert!(up.is_up());
    assert_eq!((up.main_pid, up.end), (Some(812), None));
    assert_eq!(up.cgroup, CgroupPath::parse("/system.slice/web.service"));
    assert!(read("Loaded: 7 modules\napi.service\n").is_empty());
}

proptest! {
    #[test]
    fn never_panics(text in "(Id=|a\\.service|\n|Loaded: |Active: |Main PID: |code=|[A-Z][a-z]{1,5}=|@[0-9]{1,20}|● |\\PC){0,60}") {
        for sighting in [read(&text), read_show(&text)].concat() {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }

    #[test]
    fn a_cut_state_is_read_as_far_as_it_goes(end in 0..600_usize) {
        let cut = KILLED.get(..end.min(KILLED.len())).unwrap_or(KILLED);
        for sighting in read(cut) {
            prop_assert!(sighting.span.of(cut).is_some());
        }
    }
}
