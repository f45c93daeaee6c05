#!/bin/sh
# The key is mounted so that any container's user can read it; PostgreSQL takes none that others can read.
set -e
install -o postgres -g postgres -m 600 /run/secrets/database_tls_key /var/run/postgresql/server.key
exec docker-entrypoint.sh postgres "$@"
