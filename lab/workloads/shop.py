"""A WSGI application: `/N` builds a report of N MiB, answers with its sum and keeps nothing.

The settings of an application that was imported once are shared by all workers; a report is a worker's own.
"""

SETTINGS = {f"key {number}": f"value {number}" * 4 for number in range(20_000)}


def application(environ, start_response):
    size = int(environ["PATH_INFO"].strip("/") or 0)
    rows = [bytearray(number.to_bytes(4, "big") * 1024) for number in range(size * 256)]
    total = sum(row[-1] for row in rows)
    body = f"{len(rows)} {total} {len(SETTINGS)}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
