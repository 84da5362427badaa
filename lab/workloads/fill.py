"""Writes to Redis: `fill.py PORT KEYS SIZE ROUNDS [save]`.

Each round writes all KEYS with values of SIZE bytes; `save` asks for a snapshot at the beginning of each round.
Every write must be answered with OK; at the end the server must answer, and hold a value that was written.
"""

import socket
import sys
import time

PORT, KEYS, SIZE, ROUNDS = (int(word) for word in sys.argv[1:5])
SAVES = "save" in sys.argv


def words(*parts):
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def connect():
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT), timeout=50)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


connection = connect()
answers = connection.makefile("rb")
right = 0
try:
    for round in range(ROUNDS):
        if SAVES:
            connection.sendall(words("BGSAVE"))
            answers.readline()
        for first in range(0, KEYS, 50):
            value = bytes([65 + round % 26]) * SIZE
            batch = range(first, min(first + 50, KEYS))
            connection.sendall(b"".join(words("SET", f"key:{key}", value) for key in batch))
            right += sum(answers.readline() == b"+OK\r\n" for _ in batch)
    # A snapshot that is under way has to end well, too.
    deadline = time.monotonic() + 30
    while SAVES and time.monotonic() < deadline:
        connection.sendall(words("INFO", "persistence"))
        info = answers.read(int(answers.readline()[1:]) + 2)
        if b"rdb_bgsave_in_progress:0" in info:
            right -= 0 if b"rdb_last_bgsave_status:ok" in info else 1
            break
        time.sleep(0.1)
    connection.sendall(words("GET", f"key:{KEYS - 1}"))
    held = answers.readline() == b"$%d\r\n" % SIZE
except (OSError, ValueError):
    held = False
print(f"wrote {right} of {KEYS * ROUNDS}, holds the last: {held}")
sys.exit(not (held and right == KEYS * ROUNDS))
