//! What the tests of `measure` and `verify` watch: Python programs that end with their input.

/// Waits, and ends with its input.
const WAIT: &str = "\
import os, select, sys, time
def wait(seconds):
    if select.select([sys.stdin], [], [], seconds)[0]:
        sys.exit(0)
def hold(mib):
    held = bytearray(mib << 20)
    for at in range(0, mib << 20, 4096):
        held[at] = 1
    return held
";

/// A program after the preamble.
pub(crate) fn program(text: &str) -> String {
    format!("{WAIT}{text}")
}

/// Half a MiB more every 50 ms, for ever.
pub(crate) const LEAK: &str = "\
print('up', flush=True)
held = []
while True:
    held.append(os.urandom(1 << 19))
    wait(0.05)
";

/// Rises to 40 MiB in a second and a half, and stays; some work all the time.
pub(crate) const PLATEAU: &str = "\
print('up', flush=True)
held = []
for _ in range(5):
    held.append(hold(8))
    wait(0.3)
while True:
    sum(range(20000))
    wait(0.05)
";

/// 70 MiB for four seconds, then little.
pub(crate) const START_UP: &str = "\
held = hold(70)
print('up', flush=True)
wait(4)
del held
wait(1000)
";

/// Writes four times its limit to a file, and then does nothing.
pub(crate) const FILES: &str = "\
with open(sys.argv[1], 'wb') as file:
    for _ in range(256):
        file.write(bytes(1 << 20))
print('up', flush=True)
wait(1000)
";

/// Nothing.
pub(crate) const IDLE: &str = "\
print('up', flush=True)
wait(1000)
";

/// A parent that keeps two workers of 40 MiB each, and starts another for each that is gone; they end with it.
pub(crate) const RESPAWN: &str = "\
print('up', flush=True)
parent = os.getpid()
workers = set()
while True:
    while len(workers) < 2:
        pid = os.fork()
        if pid == 0:
            held = hold(40)
            while os.getppid() == parent:
                time.sleep(0.1)
            os._exit(0)
        workers.add(pid)
        wait(0.2)
    workers.discard(os.waitpid(-1, os.WNOHANG)[0])
    wait(0.2)
";
