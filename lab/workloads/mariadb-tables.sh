# Makes MariaDB's own tables in a new folder: `mariadb-tables.sh FOLDER`.
set -e
rm -rf "$1"
mkdir -p "$1"
tables=/usr/share/mysql
{
  printf 'create database mysql;\nuse mysql;\n'
  cat $tables/mysql_system_tables.sql $tables/mysql_performance_tables.sql $tables/mysql_system_tables_data.sql
} | mariadbd --no-defaults --bootstrap --user=root --datadir="$1" --lc-messages-dir=$tables > /dev/null 2>&1
