//! `why137 run` on cgroup v2: as root, below a limit of a service, and as a user of a delegated scope.
//! Its exit code is the truth; its record is what is asked about.

use super::{BASE, Script};
use crate::expect::{Expect, Fault, Number, OPEN, Victims};

const OWN: Expect = Expect {
    killer: &["container-memory-limit"],
    level: &["own"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "dd")]),
    limit_at_fault: Fault::Yes,
    limit_bytes: Number::Is(32 << 20),
    ..OPEN
};

/// A user's manager without PAM and logind.
const USER_MANAGER: &[(&str, &str)] = &[
    ("user@.service.d/lab.conf", "[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n"),
    (
        "user-runtime-dir@.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/usr/bin/sh -c 'mkdir -p /run/user/%i && chown %i:%i /run/user/%i && chmod 700 /run/user/%i'\n",
    ),
];

/// `why137 run` of a program that fills 200 MiB and ends, in the place that `$before` makes.
macro_rules! job {
    ($before:literal, $limit:literal, $record:literal) => {
        concat!(
            "code=0; ",
            $before,
            " /lab/in/why137 run -q -m ",
            $limit,
            " --record ",
            $record,
            " -- dd if=/dev/zero of=/dev/null bs=200M count=1 > /tmp/run.out 2>&1 || code=$?\n",
            "[ $code = 137 ] || cat /tmp/run.out >&2\necho $code"
        )
    };
}

const RUN: Script =
    Script { truth: "echo \"exit code $1\"", shows: &["exit code 137"], expect: OWN, ..BASE };

pub(super) const DEATHS: &[Script] = &[
    Script {
        name: "run-in-a-service",
        done: "`why137 run --memory 32m` of a program that fills 200 MiB, as root in a service (with systemd's own TasksMax=)",
        make: job!("systemd-run -q --wait --pipe --unit=ci-root", "32m", "/run/service.run"),
        ask: &["/run/service.run"],
        ..RUN
    },
    Script {
        name: "run-in-a-session",
        done: "the same in a scope of root's slice, as in a login session",
        make: job!(
            "systemd-run -q --scope --slice=user-0.slice -p TasksMax=infinity",
            "32m",
            "/run/session.run"
        ),
        ask: &["/run/session.run"],
        ..RUN
    },
    Script {
        name: "run-below-a-limit",
        done: "`why137 run --memory 300m` of a program that fills 200 MiB, in a service with `MemoryMax=64M`",
        make: job!(
            "systemd-run -q --wait --pipe --unit=ci-job -p MemoryMax=64M -p MemorySwapMax=0 -p Delegate=yes -p OOMPolicy=continue",
            "300m",
            "/run/below.run"
        ),
        ask: &["/run/below.run"],
        expect: Expect {
            killer: &["ancestor-memory-limit"],
            level: &["ancestor"],
            limit_at_fault: Fault::No,
            limit_bytes: Number::Is(64 << 20),
            must_say: &["ci-job.service"],
            ..OWN
        },
        ..RUN
    },
    Script {
        name: "run-as-a-user",
        done: "`why137 run --memory 32m` of a program that fills 200 MiB, by a user, in a scope of its own systemd",
        units: USER_MANAGER,
        make: job!(
            "systemctl start user@1000; setpriv --reuid=1000 --regid=1000 --clear-groups env XDG_RUNTIME_DIR=/run/user/1000 HOME=/tmp",
            "32m",
            "/tmp/user.run"
        ),
        ask: &["/tmp/user.run"],
        // Without the kernel's log, which only root may read, the slice's own counters are all that tells.
        expect: Expect {
            killer: &["container-memory-limit", "out-of-memory"],
            level: &["own", "unknown"],
            confidence: &["proven", "likely"],
            fate: &["killed", "unknown"],
            limit_bytes: Number::Open,
            limit_at_fault: Fault::Open,
            victims: Victims::Open,
            ..OWN
        },
        clear: "systemctl stop user@1000",
        ..RUN
    },
];
