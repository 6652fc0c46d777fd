# Docker that runs and has the image probe:1, made without a network.
set -e
systemctl start docker
docker image inspect probe:1 >/dev/null 2>&1 && exit
image=$(mktemp -d)
mkdir "$image/bin" "$image/etc"
cp /bin/busybox "$image/bin"
for name in sh sleep echo; do ln -s busybox "$image/bin/$name"; done
tar -C "$image" -c . | docker import - probe:1 >/dev/null
rm -r "$image"
