#!/usr/bin/env bash
# hosts.sh: real Debian hosts on one machine, for the acceptance tests and the fault tests. Each is a
# systemd-nspawn container booted by systemd, with its own network namespace, disk (overlay), machine id
# and pure cgroup v2 tree, on one bridge. README.md beside this file tells what they can and cannot do.
#
# Needs root and Debian; installs its prerequisites itself. Needs no systemd, D-Bus or container engine
# on the outer machine.
set -euo pipefail

SELF=$(readlink -f "${BASH_SOURCE[0]}")
HERE=$(dirname "$SELF")
CHECKOUT=$(dirname "$HERE")
DIR=${OSAPI_TESTBED_DIR:-/var/tmp/osapi-hosts} # must not itself be on an overlay file system
PREFIX=${OSAPI_TESTBED_PREFIX:-osl}            # of bridge, cable and cgroup names: one per test bed, at most 6 characters
NET=${OSAPI_TESTBED_NET:-10.77.0}              # the outer side is $NET.1, host I is $NET.(10+I)
RUN=$DIR/run-$PREFIX
SUM=$(cat "$HERE/base.sh" "$HERE/mkrepo.sh" | sha256sum | cut -c1-12)
BASE=$DIR/base-$SUM # checkouts that want different trees do not get into one another's way
REPO=$DIR/repo-$SUM
BRIDGE=${PREFIX}br0

usage() {
    cat <<'TEXT'
usage: hosts.sh COMMAND

  up [N]               boot hosts 1 to N; builds the base tree first when it is missing or outdated
  down                 crash all hosts, remove their disks, the bridge and the cgroups
  status               one line per host
  exec I CMD...        run CMD in host I as a unit of its own; the exit status is kept
  enter I CMD...       run CMD in host I's namespaces only (quicker; its cgroup stays outside)
  start I | wait I     boot host I with the disk it has | wait until it is up (also after a reboot)
  poweroff I | crash I clean shutdown | power loss
  cut I | heal I       pull | plug the network cable: noticed at once on both sides
  drop I [MATCH] | undrop I
                       lose packets both ways, silently; MATCH as in nft(8), for example
                       drop 2 tcp dport 4222     drop 2 numgen random mod 100 '<' 30
  delay I RATE|off     throttle the cable, for example delay 1 200kbit
  base                 build the base tree again
  address I            print the address of host I; I = 0 is the outer side
TEXT
}

fail() {
    echo "hosts.sh: $*" >&2
    exit 1
}

# ---- outer machine ------------------------------------------------------------------------------

prerequisites() {
    local package missing=() log
    [ "$(id -u)" = 0 ] || fail "needs root: the hosts have their own namespaces, mounts and cgroups"
    for package in systemd-container mmdebstrap nftables iproute2; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "hosts.sh: installing ${missing[*]}" >&2
    log=$(mktemp)
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        fail "apt-get could not install ${missing[*]}"
    fi
    rm -f "$log"
}

outer_cgroup() {
    findmnt -nt cgroup2 -o TARGET | head -1
}

host_cgroup() {
    echo "$(outer_cgroup)/$PREFIX/h$1"
}

build_base() {
    local log=$BASE.log
    echo "hosts.sh: building the base tree (about a minute)" >&2
    "$HERE/base.sh" "$BASE" >"$log" 2>&1 || {
        tail -20 "$log" >&2
        fail "the base tree could not be built; all of it: $log"
    }
    "$HERE/mkrepo.sh" "$REPO"
}

# With `again`, also when it is there. Two that need it at once build it once.
need_base() {
    mkdir -p "$DIR"
    (
        flock 9
        if [ "${1:-}" = again ] || [ ! -d "$BASE" ] || [ ! -e "$REPO/Packages" ]; then
            build_base
        fi
    ) 9>"$DIR/lock"
}

bridge() {
    if ! ip link show "$BRIDGE" >/dev/null 2>&1; then
        ip link add "$BRIDGE" type bridge
        ip addr add "$NET.1/24" dev "$BRIDGE"
    fi
    ip link set "$BRIDGE" up
}

# The hosts see the checkout, with its .venv, read-only at the same path. Its Python must therefore be the
# one that they have too: Debian's.
check_venv() {
    local python
    python=$(readlink -f "$CHECKOUT/.venv/bin/python" || true)
    case $python in
        /usr/bin/python3*) ;;
        *) fail ".venv was made by ${python:-nothing}, which the hosts do not have; remove it and run ./dev setup with Debian's python3 installed" ;;
    esac
}

# ---- one host -----------------------------------------------------------------------------------

address() {
    if [ "$1" = 0 ]; then echo "$NET.1"; else echo "$NET.$((10 + $1))"; fi
}

# Written straight into the host's own layer before its first boot. Without `accept-ra: false` some 14
# seconds are lost waiting for a router.
prepare() {
    local i=$1 home=$RUN/h$1 etc=$RUN/h$1/upper/etc
    mkdir -p "$home"/{upper,scratch,root,docker,containers} "$etc/netplan" "$etc/chrony/sources.d"
    echo "host$i" >"$etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 host%s\n' "$i" >"$etc/hosts"
    tr -d - </proc/sys/kernel/random/uuid >"$etc/machine-id"
    chmod 444 "$etc/machine-id"
    echo "server $(address 0) iburst minpoll 0 maxpoll 2" >"$etc/chrony/sources.d/testbed.sources"
    cat >"$etc/netplan/01-eth0.yaml" <<TEXT
network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      accept-ra: false
      addresses: [$(address "$i")/24]
      nameservers: {addresses: [$(address 0)]}
TEXT
    chmod 600 "$etc/netplan/01-eth0.yaml"
}

# A fresh network namespace for each boot, pinned on a file inside the supervisor's own mount namespace, so
# that it goes away with the supervisor. eth0 leads to the bridge, eth1 is a spare cable.
cables() {
    local i=$1 namespace=$RUN/h$1/netns attempt
    umount -l "$namespace" 2>/dev/null || true
    : >"$namespace"
    unshare --net="$namespace" true
    for attempt in {1..50}; do # the cable of the boot before goes away in its own time
        ip link del "${PREFIX}v$i" 2>/dev/null || true
        ip link del "${PREFIX}s$i" 2>/dev/null || true
        ip link add "${PREFIX}v$i" type veth peer name eth0 address "$(printf '02:05:0a:00:00:%02x' "$i")" netns "$namespace" 2>/dev/null && break
        [ "$attempt" -lt 50 ] || fail "no cable for host $i"
        sleep 0.05
    done
    ip link add "${PREFIX}s$i" type veth peer name eth1 address "$(printf '02:05:0a:00:01:%02x' "$i")" netns "$namespace"
    ip link set "${PREFIX}v$i" master "$BRIDGE" up
    ip link set "${PREFIX}s$i" up
}

# In a mount namespace of its own: a pure cgroup v2 machine, the host's cgroup, its overlay disk. "volatile"
# spares the disk every fsync, which makes dpkg quick; the mark it leaves must go before the next boot.
furnish() {
    local i=$1 home=$RUN/h$1 cgroup
    cgroup=$(outer_cgroup)
    mount --make-rprivate /
    umount -l "$cgroup"
    [ "$cgroup" = /sys/fs/cgroup ] || umount -l /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p "/sys/fs/cgroup/$PREFIX/h$i" /run/systemd
    echo $BASHPID >"/sys/fs/cgroup/$PREFIX/h$i/cgroup.procs"
    mount -t tmpfs -o mode=755 tmpfs /run/systemd
    rm -rf "$home/scratch"/*/incompat
    mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$home/upper,workdir=$home/scratch,volatile" "$home/root"
}

# --keep-unit and --register=no: no D-Bus outside. A namespace given by path implies neither CAP_NET_ADMIN
# nor a writable /proc/sys/net, so both are asked for. Without =off nspawn rewrites time zone and resolv.conf
# at every boot. The last lines let dockerd and Podman work inside, their layers not on top of our overlay.
boot() {
    local i=$1 home=$RUN/h$1
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb SYSTEMD_NSPAWN_API_VFS_WRITABLE=network \
        systemd-nspawn --quiet --boot --keep-unit --register=no --directory="$home/root" --machine="$PREFIX-h$i" \
        --network-namespace-path="$home/netns" --capability=CAP_NET_ADMIN --link-journal=no --timezone=off --resolv-conf=off \
        --bind-ro="$REPO:/srv/repo" --bind-ro="$CHECKOUT:$CHECKOUT" \
        --system-call-filter="add_key keyctl bpf" --bind=/dev/fuse --bind="$home/docker:/var/lib/docker" \
        --bind="$home/containers:/var/lib/containers" </dev/null >>"$home/console.log" 2>&1 &
    echo $! >"$home/nspawn.pid"
    wait $!
}

# Boots the host again whenever it reboots (which ends nspawn with 133), and ends when it is off.
supervise() {
    local i=$1 home=$RUN/h$1 status
    furnish "$i"
    while :; do
        cables "$i"
        status=0
        boot "$i" || status=$?
        find "/sys/fs/cgroup/$PREFIX/h$i" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ "$status" = 133 ] || break
    done
    rm -f "$home/nspawn.pid"
}

running() {
    [ -e "$RUN/h$1/nspawn.pid" ] && kill -0 "$(<"$RUN/h$1/nspawn.pid")" 2>/dev/null
}

start() {
    local i=$1
    ! running "$i" || fail "host $i runs already"
    [ -d "$RUN/h$i/upper" ] || prepare "$i"
    bridge
    mkdir -p "$(outer_cgroup)/$PREFIX"
    setsid unshare -m bash "$SELF" _supervise "$i" </dev/null >>"$RUN/h$i/supervisor.log" 2>&1 &
}

# The host's systemd as the outer machine sees it: nspawn's only child.
leader() {
    local pid children
    pid=$(cat "$RUN/h$1/nspawn.pid" 2>/dev/null) || return 1
    children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || return 1
    [ -n "${children%% *}" ] && echo "${children%% *}"
}

enter() {
    local i=$1 pid
    shift
    pid=$(leader "$i") || fail "host $i is not up"
    exec nsenter -t "$pid" -m -u -i -n -p -C -r -w -- /usr/bin/env -i \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb "$@"
}

run() {
    local i=$1
    shift
    enter "$i" systemd-run --quiet --pipe --wait --collect --service-type=exec \
        -p Environment=HOME=/root -p WorkingDirectory=/ -- "$@"
}

state() {
    (enter "$1" systemctl is-system-running --wait) 2>/dev/null || true
}

wait_up() {
    local i=$1 attempt
    for attempt in {1..600}; do
        case $(state "$i") in
            running) return ;;
            degraded)
                echo "hosts.sh: host $i is degraded: ./dev hosts exec $i systemctl --failed" >&2
                return
                ;;
        esac
        sleep 0.05
    done
    fail "host $i did not come up after $attempt looks; its console: $RUN/h$i/console.log"
}

power_off() {
    running "$1" || fail "host $1 is not up"
    kill -TERM "$(<"$RUN/h$1/nspawn.pid")"
    while [ -e "$RUN/h$1/nspawn.pid" ]; do sleep 0.05; done
}

crash() {
    local cgroup _
    cgroup=$(host_cgroup "$1")
    if [ -d "$cgroup" ]; then
        echo 1 >"$cgroup/cgroup.kill"
        for _ in {1..100}; do
            grep -q 'populated 0' "$cgroup/cgroup.events" && break
            sleep 0.02
        done
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
    fi
    rm -f "$RUN/h$1/nspawn.pid"
}

# ---- faults -------------------------------------------------------------------------------------

# On the outer end of the cable, both directions; a destination port becomes the source port on the way back.
drop() {
    local i=$1
    shift
    local match="$*"
    undrop "$i"
    nft -f - <<TEXT
table netdev $PREFIX-h$i {
    chain from_host { type filter hook ingress device ${PREFIX}v$i priority 0; policy accept; $match counter drop; }
    chain to_host { type filter hook egress device ${PREFIX}v$i priority 0; policy accept; ${match//dport/sport} counter drop; }
}
TEXT
}

undrop() {
    nft delete table netdev "$PREFIX-h$1" 2>/dev/null || true
}

delay() {
    tc qdisc del dev "${PREFIX}v$1" root 2>/dev/null || true
    [ "$2" = off ] || tc qdisc add dev "${PREFIX}v$1" root tbf rate "$2" burst 1540 latency 400ms
}

# ---- all hosts ----------------------------------------------------------------------------------

up() {
    local i
    check_venv
    need_base
    for i in $(seq "$1"); do running "$i" || start "$i"; done
    for i in $(seq "$1"); do wait_up "$i"; done
}

known() {
    local home
    for home in "$RUN"/h[0-9]*; do
        [ ! -d "$home" ] || echo "${home##*/h}"
    done
}

status() {
    local i
    for i in $(known); do
        echo "host$i $(address "$i") $(if leader "$i" >/dev/null; then state "$i"; else echo off; fi)"
    done
}

down() {
    local i
    for i in $(known); do
        crash "$i"
        undrop "$i"
        rm -rf --one-file-system "$RUN/h$i"
    done
    ip link del "$BRIDGE" 2>/dev/null || true
    rmdir "$(outer_cgroup)/$PREFIX" "$RUN" 2>/dev/null || true
}

main() {
    local command=${1:-help}
    shift || true
    case $command in
        help | -h | --help) usage && return ;;
        address) address "$1" && return ;;
    esac
    prerequisites
    case $command in
        base) need_base again ;;
        up) up "${1:-1}" ;;
        down) down ;;
        status) status ;;
        start) start "$1" && wait_up "$1" ;;
        wait) wait_up "$1" ;;
        exec) run "$@" ;;
        enter) enter "$@" ;;
        poweroff) power_off "$1" ;;
        crash) crash "$1" ;;
        cut) ip link set "${PREFIX}v$1" down ;;
        heal) ip link set "${PREFIX}v$1" up ;;
        drop) drop "$@" ;;
        undrop) undrop "$1" ;;
        delay) delay "$1" "$2" ;;
        _supervise) supervise "$1" ;;
        *)
            usage >&2
            return 2
            ;;
    esac
}

main "$@"
exit # read as a whole: editing this file does not disturb running supervisors
