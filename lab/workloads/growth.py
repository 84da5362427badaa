"""A service whose memory is told what to do: `growth.py NAME=VALUE…`, then lines on stdin, one per tick:

    REQUESTS LEAK NATIVE HELD WARM

REQUESTS are handled (garbage of `garbage` bytes each, one look into a cache of `keys` possible keys that is
bounded by `entries` and `bytes`, one of `slots` buffers replaced by one of `threads` threads, `log` bytes written
to a file that is rotated), LEAK bytes are kept on the heap and NATIVE bytes as shared memory for ever, sessions
are opened or closed until HELD bytes are held, WARM modules are imported or functions compiled. Each line is
answered with the requests so far.
"""

import importlib
import mmap
import random
import sys
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor

told = dict(seed=1, garbage=0, keys=0, entries=0, bytes=0, entry=2048, slots=0, threads=0, log=0)
told.update((name, int(value)) for name, value in (word.split("=") for word in sys.argv[1:]))
chance = random.Random(told["seed"])


def piece(size):
    # Not `bytes(size)`: fresh memory is not there before somebody writes to it.
    return b"x" * max(1, size - 49)


cache = OrderedDict()
cached = 0


def ask(key):
    global cached
    if key in cache:
        cache.move_to_end(key)
        return
    size = told["entry"] // 2 + chance.randrange(told["entry"])
    cache[key] = piece(size)
    cached += size
    while told["entries"] and len(cache) > told["entries"] or told["bytes"] and cached > told["bytes"]:
        _, value = cache.popitem(last=False)
        cached -= len(value) + 49


slots = [None] * told["slots"]
pool = ThreadPoolExecutor(told["threads"]) if told["threads"] else None


def replace(slot, size):
    slots[slot] = bytearray(b"x" * size)


log = open("service.log", "wb", buffering=0) if told["log"] else None
line = b"." * told["log"]


def request():
    page = [piece(1024) for _ in range(0, told["garbage"], 1024)]
    if told["keys"]:
        ask(chance.randrange(told["keys"]))
    if slots:
        size = 256 << chance.randrange(9)
        job = chance.randrange(len(slots)), size + chance.randrange(size)
        pool.submit(replace, *job) if pool else replace(*job)
    if log:
        log.write(line)
        if log.tell() > 24 << 20:
            log.seek(0)
            log.truncate()
    return len(page)


MODULES = """json csv decimal fractions datetime calendar email.message email.mime.text http.client http.server
urllib.request xml.dom.minidom xml.etree.ElementTree sqlite3 asyncio unittest argparse logging.config
multiprocessing.pool concurrent.futures.process zipfile tarfile ssl smtplib imaplib ftplib xmlrpc.client
html.parser gettext locale optparse pdb doctest inspect ast dis tokenize difflib statistics turtle""".split()
compiled = []


def warm():
    number = len(compiled)
    if number < len(MODULES):
        try:
            importlib.import_module(MODULES[number])
        except ImportError:
            pass
    body = "".join(f"    v{at} = a * {number} + {at}; t.append(('n{at}_{number}', v{at}))\n" for at in range(60))
    space = {}
    exec(f"def made(a, t):\n{body}    return len(t)\n", space)
    space["made"](1, [])
    compiled.append(space["made"])


leaked = []
native = []
sessions = deque()
done = 0
for text in sys.stdin:
    requests, leak, off, held, steps = map(int, text.split())
    for _ in range(requests):
        request()
    done += requests
    for _ in range(0, leak, 1024):
        leaked.append(piece(1024))
    for _ in range(0, off, 16384):
        shared = mmap.mmap(-1, 16384)
        shared.write(b"x" * 16384)
        native.append(shared)
    while len(sessions) < held // 4096:
        sessions.append(piece(4096))
    while len(sessions) > held // 4096:
        sessions.popleft()
    for _ in range(steps):
        warm()
    print(done, flush=True)
