# Writes and reads a shop's orders in MariaDB: `orders.sh PORT`.
set -e
ask() { mariadb --no-defaults -h 127.0.0.1 -P "$1" -u root; }
for _ in $(seq 200); do
  echo 'SELECT 1;' | ask "$1" > /dev/null 2>&1 && break
  sleep 0.1
done
ask "$1" < "$(dirname "$0")/orders.sql"
