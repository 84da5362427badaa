"""Asks a server over HTTP or FastCGI: `ask.py http|fastcgi PORT TARGET REQUESTS AT_ONCE ANSWER`.

Every request must be answered with a text that begins with ANSWER; prints `answered N of REQUESTS`.
"""

import socket
import struct
import sys
import threading
import time

KIND, PORT, TARGET, REQUESTS, AT_ONCE, ANSWER = sys.argv[1:]


def http(connection):
    connection.sendall(f"GET {TARGET} HTTP/1.0\r\nHost: shop\r\n\r\n".encode())
    text = b"".join(iter(lambda: connection.recv(65536), b""))
    return text.partition(b"\r\n\r\n")[2].decode()


def record(kind, body):
    return struct.pack("!BBHHBx", 1, kind, 1, len(body), 0) + body


def fastcgi(connection):
    pairs = {"SCRIPT_FILENAME": TARGET, "REQUEST_METHOD": "GET", "SCRIPT_NAME": TARGET}
    text = b"".join(
        bytes([len(key), len(value)]) + key.encode() + value.encode() for key, value in pairs.items()
    )
    connection.sendall(
        record(1, struct.pack("!HB5x", 1, 0)) + record(4, text) + record(4, b"") + record(5, b"")
    )
    data = b"".join(iter(lambda: connection.recv(65536), b""))
    out = b""
    while len(data) >= 8:
        _, kind, _, length, padding = struct.unpack("!BBHHBx", data[:8])
        if kind == 6:
            out += data[8 : 8 + length]
        data = data[8 + length + padding :]
    return out.partition(b"\r\n\r\n")[2].decode()


def ask():
    try:
        with socket.create_connection(("127.0.0.1", int(PORT)), timeout=50) as connection:
            connection.settimeout(50)
            return {"http": http, "fastcgi": fastcgi}[KIND](connection)
    except OSError:
        return ""


def client():
    while True:
        with lock:
            if not left:
                return
            left.pop()
        if ask().startswith(ANSWER):
            with lock:
                answered.append(1)


deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    try:
        socket.create_connection(("127.0.0.1", int(PORT)), timeout=1).close()
        break
    except OSError:
        time.sleep(0.05)
lock = threading.Lock()
left = [None] * int(REQUESTS)
answered = []
clients = [threading.Thread(target=client) for _ in range(int(AT_ONCE))]
for one in clients:
    one.start()
for one in clients:
    one.join()
print(f"answered {len(answered)} of {REQUESTS}")
sys.exit(len(answered) != int(REQUESTS))
