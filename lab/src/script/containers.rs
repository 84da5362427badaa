//! Containers without plain Docker's cgroups: Docker with systemd's scopes, Podman, containerd alone.

use super::{BASE, Script};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};

/// An OOM kill at the own limit of 32 MiB.
const OWN: Expect = Expect {
    killer: &["container-memory-limit"],
    level: &["own"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "tail")]),
    limit_at_fault: Fault::Yes,
    limit_bytes: Number::Is(32 << 20),
    ..OPEN
};

/// No word of memory.
const NO_MEMORY: Expect = Expect {
    level: &["none"],
    confidence: &["proven", "likely"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    limit_at_fault: Fault::No,
    never: MEMORY,
    must_not_open: &["memory"],
    ..OPEN
};

const PODMAN: Script = Script { host: "", truth: "podman_told \"$1\"", ask: &["{}"], ..BASE };

pub(super) const DEATHS: &[Script] = &[
    Script {
        name: "scope-own-limit",
        done: "a Docker container in a scope of systemd (`--memory 32m`) asks for more",
        make: "docker_up\ndocker run -d --name scoped --network none --memory 32m --memory-swap 32m lab/busy tail /dev/zero > /dev/null\n\
               await docker_ended scoped; echo scoped",
        truth: "docker_told scoped",
        shows: &["exited 137 true"],
        ask: &["scoped"],
        expect: OWN,
        clear: "docker rm -f scoped",
        ..BASE
    },
    Script {
        name: "scope-killed-by-systemctl",
        done: "`systemctl kill -s KILL` of a Docker container's scope",
        make: "docker_up\nid=$(docker run -d --name scope-kill --network none lab/busy sleep 600)\n\
               sleep 1; systemctl kill -s KILL docker-$id.scope; await docker_ended scope-kill",
        truth: "docker_told scope-kill",
        shows: &["exited 137 false"],
        ask: &["scope-kill"],
        expect: Expect { killer: &["process"], killed_by: &["systemd"], ..NO_MEMORY },
        clear: "docker rm -f scope-kill",
        ..BASE
    },
    Script {
        name: "podman-own-limit",
        done: "a Podman container with `--memory 32m` asks for more",
        make: "podman_up\npodman run -d --name p-own --network none --memory 32m --memory-swap 32m lab/busy tail /dev/zero > /dev/null\n\
               await podman_ended p-own; echo p-own",
        shows: &["exited 137 true"],
        expect: OWN,
        ..PODMAN
    },
    Script {
        name: "podman-child-killed",
        done: "a child in a Podman container with `--memory 32m` asks for more; the shell goes on",
        make: "podman_up\npodman run -d --name p-child --network none --memory 32m --memory-swap 32m lab/busy \
               sh -c 'tail /dev/zero; echo over; sleep 600' > /dev/null\n\
               await sh -c 'podman logs p-child 2>&1 | grep -q over'; echo p-child",
        truth: "podman inspect -f '{{.State.Status}}' p-child",
        shows: &["running"],
        expect: Expect {
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::These(&[("child", "tail")]),
            ..OWN
        },
        clear: "podman rm -f -t 0 p-child",
        ..PODMAN
    },
    Script {
        name: "podman-health-kill",
        done: "a Podman container with a failing health check and `--health-on-failure=kill`",
        make: "podman_up\npodman run -d --name p-health --network none --health-cmd 'false' --health-retries=1 \
               --health-interval=disable --health-on-failure=kill lab/busy sleep 600 > /dev/null\n\
               podman healthcheck run p-health || true\nawait podman_ended p-health; echo p-health",
        shows: &["exited 137 false"],
        expect: Expect { killer: &["failed-probe"], ..NO_MEMORY },
        ..PODMAN
    },
    Script {
        name: "podman-stop-timeout",
        done: "`podman stop -t 1` of a container whose main process takes no notice of SIGTERM",
        make: "podman_up\npodman run -d --name p-stop --network none lab/busy sleep 600 > /dev/null\n\
               podman stop -t 1 p-stop > /dev/null 2>&1; echo p-stop",
        shows: &["exited 137 false"],
        // Podman tells of its patience on the terminal only.
        expect: Expect {
            killer: &["stop-timeout", "unknown"],
            level: &[],
            confidence: &["proven", "likely", "possible", "unknown"],
            fate: &[],
            limit_at_fault: Fault::NotYes,
            ..NO_MEMORY
        },
        ..PODMAN
    },
    Script {
        name: "podman-kill",
        done: "`podman kill`",
        make: "podman_up\npodman run -d --name p-kill --network none lab/busy sleep 600 > /dev/null\n\
               podman kill p-kill > /dev/null; await podman_ended p-kill; echo p-kill",
        shows: &["exited 137 false"],
        // Podman's event names no signal.
        expect: Expect { killer: &["api-kill"], ..NO_MEMORY },
        ..PODMAN
    },
    Script {
        name: "ctr-own-limit",
        done: "`ctr run` without Docker, with a memory limit of 32 MiB; its main process asks for more",
        make: "systemctl start containerd\n\
               ctr run -d --rootfs --memory-limit 33554432 /usr/lib/lab/busy greedy /bin/tail /dev/zero\n\
               await sh -c 'ctr task ls | grep -q STOPPED'; echo greedy",
        truth: "ctr task ls | awk '$1 == \"greedy\" { print $3 }'",
        shows: &["STOPPED"],
        ask: &["greedy"],
        host: "",
        expect: Expect { exit_code: Number::Open, ..OWN },
        clear: "ctr task rm greedy; ctr containers rm greedy",
        ..BASE
    },
];
