"""A server with a pool of threads that answers one request at a time: `arenas.py THREADS REQUESTS SIZE`.

A request builds SIZE MiB of documents, keeps a small one in a cache that is never full, and drops the rest.
What is dropped stays in the arena of the thread that built it, below the small one.
"""

import sys
import threading

THREADS, REQUESTS, SIZE = (int(word) for word in sys.argv[1:4])
turn = threading.Lock()
all_here = threading.Barrier(THREADS)
cache = []
answered = []


def answer(number):
    documents = [bytes([number % 251]) * (8000 + at % 50) for at in range(SIZE * 128)]
    cache.append(bytes([number % 251]) * 900)
    return documents[-1][0] == number % 251


def worker(first):
    all_here.wait()
    for number in range(first, REQUESTS, THREADS):
        with turn:
            if answer(number):
                answered.append(number)


threads = [threading.Thread(target=worker, args=(first,)) for first in range(THREADS)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(f"done {len(answered)}" if len(answered) == REQUESTS else f"wrong: {len(answered)}")
