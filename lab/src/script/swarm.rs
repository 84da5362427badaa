//! Docker under somebody's hand: a Swarm of one node, a client that restarts what is unhealthy, a
//! daemon in a container.

use super::{BASE, Script};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};

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

/// A Swarm of this node alone, and a service in the host's network.
macro_rules! service {
    ($words:literal) => {
        concat!(
            "docker_up\n",
            "docker info -f '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm init --advertise-addr 127.0.0.1 > /dev/null\n",
            "docker service create -q -d --no-resolve-image --network host --restart-condition none ",
            "--stop-grace-period 2s ",
            $words,
            "\n"
        )
    };
}

pub(super) const DEATHS: &[Script] = &[
    Script {
        name: "autoheal",
        done: "a client of the API restarts an unhealthy container (`docker restart -t 1`), whose main process takes no notice of SIGTERM",
        make: "docker_up\ndocker run -d --name sick --network none --health-cmd false --health-interval 1s --health-retries 1 \
               lab/busy sleep 600 > /dev/null\n\
               await sh -c 'docker ps -q --filter health=unhealthy | grep -q .'\n\
               docker ps -q --filter health=unhealthy | xargs docker restart -t 1 > /dev/null\n",
        truth: "docker inspect -f '{{.State.Status}}' sick",
        shows: &["running"],
        ask: &["sick"],
        expect: Expect {
            killer: &["still-alive"],
            level: &[],
            confidence: &["proven", "likely"],
            fate: &["alive"],
            exit_code: Number::Null,
            findings: &["stop-timeout"],
            ..NO_MEMORY
        },
        clear: "docker rm -f sick",
        ..BASE
    },
    Script {
        name: "docker-in-docker",
        done: "a daemon in a privileged container, and in it a container with `--memory 32m` that asks for more; the inner daemon is asked",
        make: "docker_up\nmkdir -p /run/inner\n\
               docker run -d --name dind --privileged --network none -v /usr:/usr:ro -v /run/inner:/run/inner -v /lib/modules:/mod:ro \
               lab/busy /usr/bin/bash -c 'mkdir -p /sys/fs/cgroup/init && for one in $(cat /sys/fs/cgroup/cgroup.procs); do echo $one > /sys/fs/cgroup/init/cgroup.procs; done; \
               for one in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$one > /sys/fs/cgroup/cgroup.subtree_control; done; \
               export PATH=/usr/sbin:/usr/bin; mkdir -p /var/lib/docker /var/run; \
               exec dockerd -s vfs --bridge=none --iptables=false --ip6tables=false --exec-opt native.cgroupdriver=cgroupfs -H unix:///run/inner/docker.sock' > /dev/null\n\
               export DOCKER_HOST=unix:///run/inner/docker.sock\n\
               await docker version > /dev/null 2>&1\n\
               tar -C /usr/lib/lab/busy -c . | docker import - lab/busy > /dev/null\n\
               docker run -d --name inmost --network none --memory 32m --memory-swap 32m lab/busy tail /dev/zero > /dev/null\n\
               await docker_ended inmost; echo inmost",
        truth: "DOCKER_HOST=unix:///run/inner/docker.sock docker_told inmost",
        shows: &["exited 137 true"],
        ask: &["inmost"],
        host: "unix:///run/inner/docker.sock",
        expect: Expect {
            killer: &["container-memory-limit"],
            level: &["own"],
            confidence: &["proven"],
            fate: &["killed"],
            exit_code: Number::Is(137),
            victims: Victims::These(&[("main", "tail")]),
            limit_at_fault: Fault::Yes,
            limit_bytes: Number::Is(32 << 20),
            ..OPEN
        },
        clear: "docker rm -f dind",
        ..BASE
    },
    Script {
        name: "swarm-health-kill",
        done: "a Swarm task with a failing health check, whose main process takes no notice of SIGTERM",
        make: concat!(
            service!(
                "--name web --health-cmd false --health-interval 1s --health-retries 1 lab/busy sleep 600"
            ),
            "name() { docker ps -a --filter name=web. --format '{{.Names}}' | head -n 1; }\n",
            "await sh -c 'docker ps -a --filter name=web. -q | grep -q .'\n",
            "await docker_ended $(name); name"
        ),
        truth: "docker_told \"$1\"",
        shows: &["exited 137 false"],
        ask: &["{}"],
        expect: Expect { killer: &["failed-probe"], ..NO_MEMORY },
        clear: "docker service rm web",
        ..BASE
    },
    Script {
        name: "swarm-scaled-down",
        done: "`docker service scale` to none, of a task whose main process takes no notice of SIGTERM",
        make: concat!(
            service!("--name back lab/busy sleep 600"),
            "name() { docker ps -a --filter name=back. --format '{{.Names}}' | head -n 1; }\n",
            "await sh -c 'docker ps --filter name=back. -q | grep -q .'\n",
            "found=$(name); docker service scale -d back=0 > /dev/null\n",
            "await docker_ended $found; echo $found"
        ),
        truth: "docker_told \"$1\"",
        shows: &["exited 137 false"],
        ask: &["{}"],
        expect: Expect { killer: &["stop-timeout"], ..NO_MEMORY },
        clear: "docker service rm back; docker swarm leave --force; systemctl stop lab-docker",
        ..BASE
    },
];
