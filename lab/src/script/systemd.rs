//! Deaths of systemd's services: at their own limit and their slice's, by group, by a stop that was
//! not obeyed, by a watchdog, by a client of systemd, by nobody.

use super::{BASE, Script};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};

const MIB_32: i64 = 32 << 20;

/// An OOM kill at the unit's own limit of 32 MiB.
const OWN: Expect = Expect {
    killer: &["container-memory-limit"],
    level: &["own"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "tail")]),
    limit_at_fault: Fault::Yes,
    limit_bytes: Number::Is(MIB_32),
    ..OPEN
};

/// systemd itself killed it; memory has nothing to do with it.
const BY_SYSTEMD: Expect = Expect {
    level: &["none"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    limit_at_fault: Fault::No,
    killed_by: &["systemd"],
    never: MEMORY,
    must_not_open: &["memory"],
    ..OPEN
};

/// `ExecStart=` of a program that takes no notice of SIGTERM.
macro_rules! deaf {
    ($more:literal) => {
        concat!(
            "[Service]\nExecStart=/usr/bin/bash -c 'trap \"\" TERM; while :; do sleep 1; done'\n",
            "TimeoutStopSec=2\n",
            $more
        )
    };
}

pub(super) const DEATHS: &[Script] = &[
    Script {
        name: "unit-own-limit",
        done: "a service with `MemoryMax=32M` asks for more",
        units: &[(
            "own.service",
            "[Service]\nExecStart=/usr/bin/tail /dev/zero\nMemoryMax=32M\nMemorySwapMax=0\n",
        )],
        make: "lives own",
        truth: "told own",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
        ask: &["--unit", "own"],
        expect: OWN,
        ..BASE
    },
    Script {
        name: "unit-slice-limit",
        done: "a service without a limit, in a slice with `MemoryMax=32M`",
        units: &[
            (
                "insider.service",
                "[Service]\nExecStart=/usr/bin/tail /dev/zero\nSlice=batch.slice\n",
            ),
            ("batch.slice", "[Slice]\nMemoryMax=32M\nMemorySwapMax=0\n"),
        ],
        make: "lives insider",
        truth: "told insider",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
        ask: &["--unit", "insider"],
        expect: Expect {
            killer: &["ancestor-memory-limit"],
            level: &["ancestor"],
            limit_at_fault: Fault::No,
            must_say: &["batch.slice"],
            ..OWN
        },
        ..BASE
    },
    Script {
        name: "unit-group-kill",
        done: "a service with `MemoryMax=32M` and `OOMPolicy=kill`, of which a child asks for more",
        units: &[(
            "group.service",
            "[Service]\nExecStart=/usr/bin/bash -c 'tail /dev/zero; sleep 600'\n\
             MemoryMax=32M\nMemorySwapMax=0\nOOMPolicy=kill\n",
        )],
        make: "lives group",
        truth: "told group",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
        ask: &["--unit", "group"],
        expect: Expect { victims: Victims::Several(&[("main", "bash"), ("child", "tail")]), ..OWN },
        ..BASE
    },
    Script {
        name: "unit-child-killed",
        done: "a service with `MemoryMax=32M` and `OOMPolicy=continue`: the kernel kills a child, the shell goes on",
        units: &[(
            "goes-on.service",
            "[Service]\nExecStart=/usr/bin/bash -c 'tail /dev/zero; touch /run/goes-on; sleep 600'\n\
             MemoryMax=32M\nMemorySwapMax=0\nOOMPolicy=continue\n",
        )],
        make: "systemctl start goes-on; await test -e /run/goes-on; sleep 1",
        truth: "systemctl show -p ActiveState goes-on",
        shows: &["ActiveState=active"],
        ask: &["--unit", "goes-on"],
        expect: Expect {
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::These(&[("child", "tail")]),
            ..OWN
        },
        clear: "systemctl kill -s KILL goes-on",
        ..BASE
    },
    Script {
        name: "unit-child-killed-then-stopped",
        done: "the same with `OOMPolicy=stop`, systemd's default: the kernel kills a child, and systemd stops the rest",
        units: &[(
            "stops.service",
            "[Service]\nExecStart=/usr/bin/bash -c 'tail /dev/zero & sleep 600 & wait; sleep 600'\n\
             MemoryMax=32M\nMemorySwapMax=0\nOOMPolicy=stop\n",
        )],
        make: "lives stops",
        truth: "told stops",
        shows: &["ExecMainCode=2 ExecMainStatus=15 Result=oom-kill"],
        ask: &["--unit", "stops"],
        expect: Expect {
            exit_code: Number::Is(143),
            victims: Victims::These(&[("child", "tail")]),
            ..OWN
        },
        ..BASE
    },
    Script {
        name: "unit-restarts",
        done: "a service with `MemoryMax=32M` and `Restart=always` that is killed twice",
        units: &[(
            "again.service",
            "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=2\n[Service]\n\
             ExecStart=/usr/bin/tail /dev/zero\nMemoryMax=32M\nMemorySwapMax=0\nRestart=always\nRestartSec=1\n",
        )],
        make: "lives again",
        truth: "told again",
        // After the last start was refused, systemd shows the result of the run before.
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
        ask: &["--unit", "again"],
        expect: Expect { deaths: Some(2), ..OWN },
        ..BASE
    },
    Script {
        name: "unit-forgotten",
        done: "a transient unit with `MemoryMax=32M` that systemd forgets at its end",
        make: "systemd-run -q --collect --unit=brief -p MemoryMax=32M -p MemorySwapMax=0 tail /dev/zero\nawait ended brief; sleep 1",
        truth: "systemctl show -p LoadState brief",
        shows: &["LoadState=not-found"],
        ask: &["--unit", "brief"],
        expect: Expect { limit_bytes: Number::Is(MIB_32), ..OWN },
        ..BASE
    },
    Script {
        name: "unit-stop-timeout",
        done: "`systemctl stop` of a service that takes no notice of SIGTERM, with `TimeoutStopSec=2`",
        units: &[("deaf.service", deaf!(""))],
        make: "systemctl start deaf; sleep 1; systemctl stop deaf; await ended deaf",
        truth: "told deaf",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=timeout"],
        ask: &["--unit", "deaf"],
        expect: Expect { killer: &["stop-timeout"], ..BY_SYSTEMD },
        ..BASE
    },
    Script {
        name: "unit-runtime-max",
        done: "a service that reaches its `RuntimeMaxSec=2`, takes no notice of SIGTERM and is killed",
        units: &[("long.service", deaf!("RuntimeMaxSec=2\n"))],
        make: "lives long",
        truth: "told long",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=timeout"],
        ask: &["--unit", "long"],
        expect: Expect { killer: &["stop-timeout"], must_say: &["RuntimeMaxSec"], ..BY_SYSTEMD },
        ..BASE
    },
    Script {
        name: "unit-watchdog",
        done: "a service that never tells its watchdog (`WatchdogSec=2`, `WatchdogSignal=SIGKILL`)",
        units: &[(
            "watched.service",
            "[Service]\nExecStart=/usr/bin/sleep 600\nWatchdogSec=2\nWatchdogSignal=SIGKILL\n",
        )],
        make: "lives watched",
        truth: "told watched",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=watchdog"],
        ask: &["--unit", "watched"],
        expect: Expect {
            killer: &["failed-probe"],
            confidence: &["likely", "proven"],
            must_say: &["watchdog"],
            ..BY_SYSTEMD
        },
        ..BASE
    },
    Script {
        name: "unit-kill",
        done: "`systemctl kill -s KILL` of a service",
        units: &[("asked.service", "[Service]\nExecStart=/usr/bin/sleep 600\n")],
        make: "systemctl start asked; sleep 1; systemctl kill -s KILL asked; await ended asked",
        truth: "told asked",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=signal"],
        ask: &["--unit", "asked"],
        expect: Expect { killer: &["process"], confidence: &["likely", "proven"], ..BY_SYSTEMD },
        ..BASE
    },
    Script {
        name: "unit-kill-9",
        done: "`kill -9` of a service's main process by a shell",
        units: &[("struck.service", "[Service]\nExecStart=/usr/bin/sleep 600\n")],
        make: "systemctl start struck; sleep 1; kill -9 \"$(pid_of struck)\"; await ended struck",
        truth: "told struck",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=signal"],
        ask: &["--unit", "struck"],
        expect: Expect {
            killer: &["unknown"],
            confidence: &["unknown", "possible"],
            exit_code: Number::Is(137),
            limit_at_fault: Fault::NotYes,
            candidates: &["process"],
            never: &["container-memory-limit", "ancestor-memory-limit", "not-killed"],
            must_not_open: &["memory"],
            ..OPEN
        },
        ..BASE
    },
    Script {
        name: "unit-exit-137",
        done: "a service that returns 137 by itself",
        units: &[("chosen.service", "[Service]\nExecStart=/usr/bin/sh -c 'exit 137'\n")],
        make: "lives chosen",
        truth: "told chosen",
        shows: &["ExecMainCode=1 ExecMainStatus=137 Result=exit-code"],
        ask: &["--unit", "chosen"],
        expect: Expect {
            killer: &["not-killed"],
            level: &["none"],
            confidence: &["proven"],
            fate: &["exited"],
            exit_code: Number::Is(137),
            never: MEMORY,
            ..OPEN
        },
        ..BASE
    },
    Script {
        name: "unit-cpu-limit",
        done: "a service that uses up `LimitCPU=1`, the hard limit on CPU seconds",
        units: &[(
            "busy.service",
            "[Service]\nExecStart=/usr/bin/bash -c 'trap \"\" XCPU; while :; do :; done'\nLimitCPU=1\n",
        )],
        make: "lives busy",
        truth: "told busy",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=signal"],
        ask: &["--unit", "busy"],
        expect: Expect {
            killer: &["unknown", "resource-limit"],
            confidence: &["unknown", "possible", "likely"],
            exit_code: Number::Is(137),
            limit_at_fault: Fault::NotYes,
            never: MEMORY,
            must_not_open: &["memory"],
            ..OPEN
        },
        ..BASE
    },
    Script {
        name: "nspawn-own-limit",
        done: "systemd-nspawn in a service with `MemoryMax=32M`: its payload asks for more",
        make: "systemd-run -q --unit=nest -p MemoryMax=32M -p MemorySwapMax=0 -p Delegate=yes \
               systemd-nspawn -q --register=no --keep-unit -D /usr/lib/lab/busy --console=pipe /bin/tail /dev/zero\nawait ended nest",
        truth: "told nest",
        ask: &["--unit", "nest"],
        expect: Expect {
            fate: &[],
            exit_code: Number::Open,
            victims: Victims::OneOf(&["child", "main", "other"]),
            ..OWN
        },
        ..BASE
    },
];

pub(super) const LAST: &[Script] = &[Script {
    name: "unit-host-memory",
    done: "a service without a limit asks for more than the machine has",
    units: &[(
        "endless.service",
        "[Service]\nExecStart=/usr/bin/tail /dev/zero\nOOMScoreAdjust=1000\n",
    )],
    make: "lives endless",
    truth: "told endless",
    shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
    ask: &["--unit", "endless"],
    expect: Expect {
        killer: &["host-out-of-memory"],
        level: &["host"],
        limit_at_fault: Fault::No,
        limit_bytes: Number::Open,
        never: &["container-memory-limit", "ancestor-memory-limit"],
        ..OWN
    },
    ..BASE
}];
