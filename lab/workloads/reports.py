"""Celery: a task builds a report of SIZE MiB. `reports.py TASKS SIZE` asks for them and waits for all.

The broker is a folder, so that nothing else has to run. A finished task leaves a file.
"""

import os
import sys
import time

from celery import Celery

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reports")
FOLDERS = {name: f"{FOLDER}/{name}" for name in ("queue", "done")}
for folder in FOLDERS.values():
    os.makedirs(folder, exist_ok=True)

app = Celery("reports", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": FOLDERS["queue"],
    "data_folder_out": FOLDERS["queue"],
    "processed_folder": FOLDERS["queue"],
}


@app.task(ignore_result=True)
def report(number, size):
    rows = [bytearray(at.to_bytes(4, "big") * 1024) for at in range(size * 256)]
    time.sleep(0.5)
    with open(f"{FOLDERS['done']}/{number}", "w") as file:
        file.write(str(len(rows)))


if __name__ == "__main__":
    tasks, size = int(sys.argv[1]), int(sys.argv[2])
    for number in range(tasks):
        report.delay(number, size)
    deadline = time.monotonic() + 50
    while len(os.listdir(FOLDERS["done"])) < tasks and time.monotonic() < deadline:
        time.sleep(0.1)
    print(f"finished {len(os.listdir(FOLDERS['done']))} of {tasks}")
    sys.exit(len(os.listdir(FOLDERS["done"])) < tasks)
