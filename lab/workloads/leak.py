"""A dictionary that is never emptied: `leak.py SIZE` fills it with SIZE MiB of small objects."""

import sys

size = int(sys.argv[1])
seen = {}
for number in range(size * 4096):
    seen[number] = [number] * 16
held = sum(row[7] == number for number, row in seen.items())
print(f"done {held}" if held == size * 4096 else f"wrong: {held}")
