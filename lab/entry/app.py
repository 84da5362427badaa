"""An application for gunicorn. The master says what it was told, and each worker that it is there."""
import json
import os
import platform
import sys

if os.getpid() == 1 or os.environ.get("ENTRY_MASTER") is None:
    os.environ["ENTRY_MASTER"] = "1"
    told = os.environ.get("WEB_CONCURRENCY")
    said = {"pid": os.getpid(), "version": platform.python_version(), "ceiling": None, "told": told}
    print(json.dumps(said), flush=True)


def app(environ, start_response):
    start_response("200 OK", [])
    return []
