"""Workers for gunicorn: as many as have room in the memory limit in effect now.

gunicorn -c gunicorn.conf.py app:app, with WHY137_WORKER_MIB (the largest worker under load, without what
it shares) and WHY137_MASTER_MIB as `why137 audit` measured them. `why137 env gunicorn …` reckons the same.
Without a worker's size, without a limit, or with WEB_CONCURRENCY, gunicorn's own default stays.
"""
import os

NO_LIMIT = 1 << 60


def lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []


def folders(controller):
    """The cgroup of this process in the hierarchy of a controller, and those above it that are shown here."""
    mounts = [line.split(" - ") for line in lines("/proc/self/mountinfo")]
    mounts = [(system.split(" "), mount.split(" ")) for mount, system in mounts]
    old = [mount for system, mount in mounts if system[0] == "cgroup" and controller in system[2].split(",")]
    new = [mount for system, mount in mounts if system[0] == "cgroup2"]
    for mount in (old or new)[:1]:
        root, point = mount[3].rstrip("/"), mount[4]
        for _, names, path in (line.split(":", 2) for line in lines("/proc/self/cgroup")):
            if (controller in names.split(",")) if old else not names:
                below = path[len(root):] if (path + "/").startswith(root + "/") and "/.." not in path else ""
                names = [name for name in below.split("/") if name]
                return [os.path.join(point, *names[:depth]) for depth in range(len(names), -1, -1)]
    return []


def numbers(folder, *names):
    words = [word for name in names for word in " ".join(lines(os.path.join(folder, name))).split()]
    return [int(word) for word in words if word.lstrip("-").isdigit()]


def limit_in_effect():
    found = [number for folder in folders("memory") for number in numbers(folder, "memory.max", "memory.limit_in_bytes")]
    for folder in folders("memory")[:1]:
        found += numbers(folder, "memory.high")
        found += [int(line.split()[1]) for line in lines(folder + "/memory.stat") if line.startswith("hierarchical_memory_limit")]
    limit = min(found, default=NO_LIMIT)
    host = [int(line.split()[1]) << 10 for line in lines("/proc/meminfo") if line.startswith("MemTotal:")]
    return limit if 0 < limit < min(host + [NO_LIMIT]) else None


def processors():
    pair = [numbers(folder, "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us") for folder in folders("cpu")[:1]]
    quota = pair[0][0] * 1000 // pair[0][1] if pair and len(pair[0]) == 2 else 0
    return -(-quota // 1000) if quota > 0 else len(os.sched_getaffinity(0))


limit, worker, master = limit_in_effect(), *(int(os.environ.get(name) or 0) << 20 for name in ("WHY137_WORKER_MIB", "WHY137_MASTER_MIB"))
if limit and worker and not os.environ.get("WEB_CONCURRENCY"):
    workers = max(1, min((limit // 100 * 85 - master) // worker, processors() * 2 + 1))
