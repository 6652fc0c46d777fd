#!/usr/bin/env bash
# base.sh DIR: the tree that every test host shares read-only: a small Debian of the outer machine's release,
# booted by systemd, without consoles, without timers that would hold the dpkg lock, and with apt looking
# at the local repository alone.
set -euo pipefail

base=$1

PACKAGES=(
    systemd-sysv dbus libpam-systemd libnss-systemd polkitd systemd-resolved udev kmod # a booting system
    netplan.io iproute2 iputils-ping iptables nftables chrony                         # network and time
    cron procps sudo less apt-utils ca-certificates openssl curl                      # what OSAPI manages
    docker.io podman                                                                  # containers; off until a test starts them
    python3 busybox-static                                                            # the agent and small helpers
)

# Background apt runs hold the dpkg lock; the rest touches devices or waits for a console.
MASKED=(
    apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer
    console-getty.service getty@tty1.service dev-hugepages.mount systemd-pstore.service
)

# The package sources are the outer machine's own, in whichever of the two formats it keeps them.
sources() {
    local deb822
    deb822=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^#' || true)
    if [ -n "$deb822" ]; then
        echo "$deb822"
    else
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -E '^deb '
    fi
}

unpack() {
    local release include
    release=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)
    include=$(
        IFS=,
        echo "${PACKAGES[*]}"
    )
    sources | mmdebstrap --quiet --mode=root --variant=minbase --include="$include" "$release" "$1" -
}

units() {
    local system=$1/etc/systemd/system unit
    mkdir -p "$system/chrony.service.d" "$system/sysinit.target.wants"
    for unit in "${MASKED[@]}"; do ln -sfn /dev/null "$system/$unit"; done
    # Started by `systemctl start docker` (or `podman.socket`) on the host that wants it; everywhere else it would cost 100 MiB.
    rm -f "$system"/multi-user.target.wants/{docker,containerd}.service "$system"/sockets.target.wants/docker.socket
    rm -f "$system"/*.target.wants/podman*
    # The clock is the outer machine's: no CAP_SYS_TIME in the hosts, and chronyd -x never touches it.
    printf '[Unit]\nConditionCapability=\n' >"$system/chrony.service.d/testbed.conf"
    cat >"$system/testbed-procsys.service" <<'TEXT'
[Unit]
Description=Make the settings of this host's own namespaces writable (test bed)
DefaultDependencies=no
Before=systemd-sysctl.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/testbed-procsys
[Install]
WantedBy=sysinit.target
TEXT
    ln -sfn ../testbed-procsys.service "$system/sysinit.target.wants/testbed-procsys.service"
}

# nspawn mounts /proc/sys read-only but for net/. What belongs to this host's own IPC and UTS namespaces is
# safe to write: take just those files from a fresh proc. The same for the uevent files of this host's own
# network devices, which `netplan apply` triggers; /sys itself stays read-only, so that udevd stays off.
procsys() {
    cat >"$1/usr/local/sbin/testbed-procsys" <<'TEXT'
#!/bin/sh -e
mkdir -p /run/testbed-proc /run/testbed-sys
mount -t proc proc /run/testbed-proc
for name in kernel/msgmax kernel/msgmnb kernel/msgmni kernel/sem kernel/shmall kernel/shmmax kernel/shmmni \
    kernel/shm_rmid_forced fs/mqueue kernel/hostname kernel/domainname; do
    mount --bind /run/testbed-proc/sys/$name /proc/sys/$name
done
mount -t sysfs sysfs /run/testbed-sys
mount -o remount,rw /run/testbed-sys
mount --bind /run/testbed-sys/devices/virtual/net /sys/devices/virtual/net
umount -l /run/testbed-proc /run/testbed-sys
rmdir /run/testbed-proc /run/testbed-sys
TEXT
    chmod 755 "$1/usr/local/sbin/testbed-procsys"
}

files() {
    local etc=$1/etc
    : >"$etc/machine-id"
    rm -f "$1/var/lib/dbus/machine-id"
    ln -s /etc/machine-id "$1/var/lib/dbus/machine-id"
    ln -sfn ../run/systemd/resolve/stub-resolv.conf "$etc/resolv.conf"
    mkdir -p "$etc/systemd/journald.conf.d" "$etc/netplan" "$1/srv/repo" "$1"/var/lib/{docker,containers}
    printf '[Journal]\nStorage=persistent\nSystemMaxUse=64M\n' >"$etc/systemd/journald.conf.d/testbed.conf"
    echo 'DAEMON_OPTS="-F 1 -x"' >"$etc/default/chrony"
    cat >"$etc/chrony/chrony.conf" <<TEXT
driftfile /var/lib/chrony/chrony.drift
logdir /var/log/chrony
confdir /etc/chrony/conf.d
sourcedir /etc/chrony/sources.d
TEXT
    rm -f "$etc"/apt/sources.list "$etc"/apt/sources.list.d/*
    printf 'Acquire::Languages "none";\nAcquire::Check-Valid-Until "false";\n' >"$etc/apt/apt.conf.d/99testbed"
    echo 'deb [trusted=yes] file:/srv/repo ./' >"$etc/apt/sources.list.d/testbed.list"
}

rm -rf --one-file-system "$base.new"
mkdir -p "$(dirname "$base")"
unpack "$base.new"
units "$base.new"
procsys "$base.new"
files "$base.new"
rm -rf --one-file-system "$base"
mv "$base.new" "$base"
