#!/bin/sh
# Builds the guest image of a node, the same bytes from the same inputs: packages of one day of snapshot.debian.org, the
# dependencies of package-lock.json, files dated and sorted. Needs mmdebstrap, npm and Node.js; run it as root or with unshare.
#
#     deploy/image/build-image.sh <output folder> <deployment.json> [<node.json>] [<snapshot, such as 20261101T000000Z>]
#
# The network and the settings of the node are part of the image, and so of its measurements.
set -eu
out=${1:?output folder}
deployment=${2:?deployment.json of the network}
root=$(cd "$(dirname "$0")/../.." && pwd)
settings=${3:-$root/deploy/image/node.json}
snapshot=${4:-20261101T000000Z}
export SOURCE_DATE_EPOCH=0 TZ=UTC LC_ALL=C
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

mmdebstrap --variant=minbase \
    --include=linux-image-amd64,ovmf,nodejs,npm,kmod,iproute2,isc-dhcp-client,util-linux,ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    trixie "$work/full" "deb https://snapshot.debian.org/archive/debian/$snapshot trixie main"

# Cocoon as npm packs it, with the dependencies of the lock file and no scripts of theirs.
(cd "$root" && npm pack --pack-destination "$work" >/dev/null)
mkdir -p "$work/full/opt/cocoon"
tar -xzf "$work"/*.tgz -C "$work/full/opt/cocoon" --strip-components=1
cp "$root/package-lock.json" "$work/full/opt/cocoon/"
(cd "$work/full/opt/cocoon" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund)

install -m 0755 "$root/deploy/image/init" "$work/full/init"
install -D -m 0644 "$root/deploy/image/host-settings.sh" "$work/full/opt/image/host-settings.sh"
install -D -m 0644 "$settings" "$work/full/etc/cocoon/node.json"
install -D -m 0644 "$deployment" "$work/full/etc/cocoon/deployment.json"
cp "$work"/full/boot/vmlinuz-* "$out/vmlinuz"
cp "$work/full/usr/share/ovmf/OVMF.fd" "$out/OVMF.fd"
install -m 0644 "$root/deploy/image/cmdline" "$out/cmdline"
# What would differ from build to build, and what a running node has no use for.
rm -rf "$work"/full/boot/* "$work"/full/var/cache/* "$work"/full/var/log/* "$work"/full/var/lib/apt/lists/* \
    "$work"/full/dev/* "$work"/full/usr/share/doc "$work"/full/usr/share/man "$work"/full/etc/machine-id \
    "$work"/full/etc/resolv.conf "$work"/full/etc/hostname
node "$root/deploy/image/pack-initrd.mjs" "$work/full" "$out/initrd"
(cd "$out" && sha256sum OVMF.fd vmlinuz initrd cmdline)
node "$root/keepers/cli/cocoon.cjs" measure "$out"
