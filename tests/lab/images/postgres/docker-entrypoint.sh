#!/bin/bash
# The lab's own entrypoint with the interface of the official one: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB,
# POSTGRES_INITDB_ARGS and POSTGRES_HOST_AUTH_METHOD, each also with _FILE; PGDATA; /docker-entrypoint-initdb.d.
set -Eeuo pipefail

value() { # value NAME: content of $NAME, else of the file that ${NAME}_FILE names
    local file=${1}_FILE
    if [ -n "${!file:-}" ]; then cat -- "${!file}"; else printf '%s' "${!1:-}"; fi
}

create_cluster() {
    local password user database method script
    password=$(value POSTGRES_PASSWORD)
    user=$(value POSTGRES_USER)
    user=${user:-postgres}
    database=$(value POSTGRES_DB)
    database=${database:-$user}
    method=$(value POSTGRES_HOST_AUTH_METHOD)
    if [ -z "$password" ] && [ "$method" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    # shellcheck disable=SC2046 # several words on purpose
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") $(value POSTGRES_INITDB_ARGS)
    printf '\nhost all all all %s\n' "${method:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=''" start
    local ask=(psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="$user")
    if [ "$database" != postgres ]; then
        "${ask[@]}" --dbname=postgres --set=name="$database" <<<'CREATE DATABASE :"name"'
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
        *.sql) "${ask[@]}" --dbname="$database" --file="$script" ;;
        esac
    done
    pg_ctl --wait --mode=fast stop
    echo 'PostgreSQL init process complete; ready for start up.'
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ]; then
    mkdir -p "$PGDATA"
    if [ "$(id -u)" = 0 ]; then
        chown -R postgres:postgres "$PGDATA" /var/run/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
    fi
    chmod 0700 "$PGDATA" || true
    if [ ! -s "$PGDATA/PG_VERSION" ]; then create_cluster; fi
fi
exec "$@"
