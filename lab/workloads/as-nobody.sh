# Becomes a program without root's rights: `as-nobody.sh PROGRAM…`. PostgreSQL refuses to run as root.
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
