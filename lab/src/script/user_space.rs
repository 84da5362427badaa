//! Deaths by OOM daemons of user space: systemd-oomd and earlyoom, the real ones, told to strike early.

use super::{BASE, Script};
use crate::expect::{Expect, Fault, Number, OPEN};

const DAEMON: Expect = Expect {
    killer: &["oom-daemon"],
    level: &["none"],
    confidence: &["proven", "likely"],
    fate: &["killed"],
    limit_at_fault: Fault::No,
    never: &["container-memory-limit", "ancestor-memory-limit", "host-out-of-memory"],
    ..OPEN
};

/// Starts earlyoom so that it strikes when a tenth of the memory is gone that is free now, lets `$1`
/// begin, and stops earlyoom as soon as it has struck.
macro_rules! earlyoom {
    ($start:literal, $ended:literal) => {
        concat!(
            "free=$(awk '/MemTotal/{t=$2} /MemAvailable/{a=$2} END{print int(100*a/t)}' /proc/meminfo)\n",
            "mkdir -p /etc/default; echo \"EARLYOOM_ARGS='-r 0 -m $((free-12)),$((free-14)) -s 100,100'\" > /etc/default/earlyoom\n",
            "systemctl start earlyoom; sleep 2\n",
            $start,
            "\nawait ",
            $ended,
            "\nsystemctl stop earlyoom || true; sleep 1"
        )
    };
}

pub(super) const DEATHS: &[Script] = &[
    Script {
        name: "systemd-oomd",
        done: "systemd-oomd kills a service for the memory pressure in its slice",
        units: &[
            (
                "pressed.service",
                "[Service]\nSlice=pressed.slice\nMemoryHigh=24M\nMemorySwapMax=0\nExecStart=/usr/bin/bash -c \
                 'tail /dev/zero & while :; do cat /usr/bin/dockerd > /dev/null; done'\n",
            ),
            (
                "pressed.slice",
                "[Slice]\nManagedOOMMemoryPressure=kill\nManagedOOMMemoryPressureLimit=2%\n",
            ),
        ],
        make: "systemctl start systemd-oomd; systemctl start pressed; await ended pressed; sleep 1",
        truth: "told pressed",
        shows: &["ExecMainCode=2 ExecMainStatus=9 Result=oom-kill"],
        ask: &["--unit", "pressed"],
        expect: Expect {
            confidence: &["proven"],
            exit_code: Number::Is(137),
            killed_by: &["systemd-oomd"],
            ..DAEMON
        },
        clear: "systemctl kill -s KILL pressed; systemctl stop systemd-oomd",
        ..BASE
    },
    Script {
        name: "earlyoom-unit",
        done: "earlyoom kills a service that takes most of what is free",
        units: &[(
            "early.service",
            "[Service]\nOOMScoreAdjust=900\nExecStart=/usr/bin/bash -c 'exec tail /dev/zero'\nMemoryMax=500M\n",
        )],
        make: earlyoom!("systemctl start early", "ended early"),
        // systemd takes SIGTERM for a good end and forgets the unit: earlyoom's word is what is left.
        truth: "journalctl -q -u earlyoom -o cat | grep -m 1 -o 'sending SIGTERM to process.*\"tail\"' | sed 's/[0-9][0-9]*/N/g'",
        shows: &["sending SIGTERM to process N uid N \"tail\""],
        ask: &["--unit", "early"],
        // systemd has forgotten the main pid.
        expect: Expect { killed_by: &["earlyoom"], fate: &["killed", "unknown"], ..DAEMON },
        clear: "systemctl kill -s KILL earlyoom",
        ..BASE
    },
    Script {
        name: "earlyoom-container",
        done: "earlyoom kills the main process of a container that takes most of what is free",
        make: concat!(
            "docker_up\n",
            earlyoom!(
                "docker run -d --name early --network none --memory 500m --memory-swap 500m --oom-score-adj 900 lab/busy tail /dev/zero > /dev/null",
                "docker_ended early"
            )
        ),
        truth: "docker_told early",
        shows: &["exited 137 false", "exited 143 false"],
        ask: &["early"],
        expect: Expect { killed_by: &["earlyoom"], ..DAEMON },
        clear: "systemctl kill -s KILL earlyoom; docker rm -f early",
        ..BASE
    },
];
