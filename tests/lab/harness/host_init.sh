#!/bin/bash
# First process of a host: mounts its root file system, enters it, starts sshd and Docker Engine, and stays.
# It runs in PID, mount, UTS and IPC namespaces of its own; when it ends, all that it started ends with it.
# usage: host_init.sh NAME FOLDER; environment: LOWER (read-only root tree), PLUGIN (Compose binary),
# DOCKERD_ARGS, SSH_USER (account to log in with; empty: no sshd).
set -euo pipefail
name=$1 folder=$2 root=$2/root

mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
mkdir -p "$root/run/sshd" "$root/run/lock" "$root/var/lib/docker" "$root/srv/lab" "$root/root/.ssh"
mount --bind "$folder/docker" "$root/var/lib/docker" # Docker's layers cannot sit on this overlay
mount --bind "$folder/share" "$root/srv/lab"
plugins=$root/usr/local/lib/docker/cli-plugins
mkdir -p "$plugins"
touch "$plugins/docker-compose"
mount --bind "$PLUGIN" "$plugins/docker-compose"

hostname "$name"
echo "$name" >"$root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$name" >"$root/etc/hosts"
# Two hosts from one tree must not share an identity.
rm -f "$root"/etc/docker/key.json "$root"/etc/ssh/ssh_host_*

if [ -n "$SSH_USER" ]; then
    rm -f "$root/etc/resolv.conf" # there is nothing to ask in the lab
    cp "$folder"/ssh_host_ed25519_key* "$root/etc/ssh/"
    chroot "$root" getent passwd "$SSH_USER" >/dev/null ||
        chroot "$root" useradd --create-home --shell /bin/bash --groups docker --password '*' "$SSH_USER"
    home=$(chroot "$root" getent passwd "$SSH_USER" | cut -d: -f6)
    install -d -m 700 "$root$home/.ssh"
    install -m 600 "$folder/authorized_keys" "$root$home/.ssh/authorized_keys"
    chroot "$root" chown -R "$SSH_USER:" "$home/.ssh"
else
    cp /etc/resolv.conf "$root/etc/resolv.conf"
fi

cd "$root"
mkdir -p .outer
pivot_root . .outer
cd /
umount -l /.outer
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    SSH_USER="$SSH_USER" DOCKERD_ARGS="$DOCKERD_ARGS" bash /srv/lab/host_main.sh
