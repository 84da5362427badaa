#!/bin/sh
# What `why137 run -- true` costs over `sh -c true`: the difference of the medians, in ms, and the peak
# memory of the watcher. Usage: run-overhead.sh PATH-OF-A-RELEASE-BUILD. Needs hyperfine and a quiet machine.
set -eu
why137=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
hyperfine -N --warmup 20 --runs 200 --export-json "$out" 'sh -c true' "$why137 run -- true" >/dev/null 2>&1
grep -o '"median": [0-9.e-]*' "$out" | tr -d '",:' |
  awk '{ t[NR] = $2 * 1000 } END { printf "sh -c true %.2f ms, run -- true %.2f ms, over %.2f ms (bar 10)\n", t[1], t[2], t[2] - t[1]; exit !(t[2] - t[1] <= 10) }'
"$why137" run -- sleep 2 &
sleep 1.5
awk '/VmHWM/ { printf "watcher %d KiB (bar 10240)\n", $2; exit !($2 <= 10240) }' "/proc/$!/status"
wait
