#!/usr/bin/env bash
# Records the two PostgreSQL logs of this folder again, or into the folder given as argument.
#
# Starts a PostgreSQL server of its own in a temporary folder, reachable through a socket there
# and by no port, runs examples/record_postgres.rs on it once per isolation level, and leaves
# nothing behind. Run as root it installs Debian's package if there is none.
set -euo pipefail

datasets=$(cd "$(dirname "$0")" && pwd)
output=$(cd "${1:-$datasets}" && pwd)

# The newest of Debian's installations, else whatever is on the path.
server_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$newest" ] || newest=$(command -v initdb) || return 1
    dirname "$newest"
}

if ! programs=$(server_programs); then
    apt-get update
    apt-get install -y --no-install-recommends postgresql
    programs=$(server_programs)
fi

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

place=$(mktemp -d)
cleanup() {
    as_server "$programs/pg_ctl" stop -D "$place/data" -m immediate -s || true
    rm -rf "$place"
}
trap cleanup EXIT
if [ "$(id -u)" -eq 0 ]; then chown postgres "$place"; fi
cd "$place"

as_server "$programs/initdb" -D "$place/data" -U postgres --auth=trust --no-sync >/dev/null
# Nothing here outlives the recording, so nothing waits for a disk (fsync). That moves no commit out
# of its bound: it makes them shorter. Deadlocks are found quickly, not after a second.
cat >>"$place/data/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$place'
track_commit_timestamp = on
fsync = off
deadlock_timeout = 20ms
SETTINGS
as_server "$programs/pg_ctl" start -D "$place/data" -l "$place/server.log" -w -s

record() {
    local isolation=$1
    shift
    (cd "$datasets/.." && cargo run --quiet --example record_postgres -- \
        --database "host=$place user=postgres dbname=postgres" \
        --isolation "$isolation" --output "$output/postgres-$isolation.arrow" "$@")
}

# Calm enough that a snapshot hardly ever falls within the microseconds in which a commit of one of
# its keys becomes visible: what happened is then proved from end to end.
record repeatable-read --transactions 2000 --keys 192 --pause 200000
# In a hurry: what goes wrong without snapshots, as often as it can.
record read-committed --transactions 4000 --keys 48 --pause 2000
