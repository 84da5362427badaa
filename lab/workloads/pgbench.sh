# Asks PostgreSQL for reports: `pgbench.sh PORT USERS TIMES`.
set -e
here=$(dirname "$0")
bin=/usr/lib/postgresql/15/bin
for _ in $(seq 200); do
  $bin/pg_isready -q -h 127.0.0.1 -p "$1" && break
  sleep 0.1
done
exec $bin/pgbench -n -h 127.0.0.1 -p "$1" -U postgres -c "$2" -j 2 -t "$3" -f "$here/sort.sql" postgres
