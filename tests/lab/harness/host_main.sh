#!/bin/bash
# Second half of host_init.sh, inside the host: its services, started here because nothing else does.
set -euo pipefail
if [ -n "$SSH_USER" ]; then
    /usr/sbin/sshd -D -e -o UsePAM=no -o PermitRootLogin=prohibit-password -o PasswordAuthentication=no \
        -o MaxStartups=100 -o MaxSessions=100 >/var/log/sshd.log 2>&1 &
fi
engine=
start_engine() {
    # shellcheck disable=SC2086 # several words on purpose
    dockerd --containerd '' -H unix:///run/docker.sock -H unix:///srv/lab/docker.sock $DOCKERD_ARGS \
        >>/var/log/dockerd.log 2>&1 &
    engine=$!
}
leave() {
    kill -TERM "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    exit 0
}
trap leave TERM INT
start_engine
while sleep 1000 & wait $!; do :; done
