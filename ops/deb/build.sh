#!/usr/bin/env bash
# Makes the Debian package of the relay from ROOT, which ops/runtime/build.sh made. Needs no root.
#
# usage: build.sh ROOT VERSION DEB          with SOURCE_DATE_EPOCH; the same input gives the same bytes
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
units=$here/../systemd
root=$1 version=$2 deb=$3
: "${SOURCE_DATE_EPOCH:?}"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

put() { install -D -m "$1" "$2" "$stage/$3"; }
packed() { mkdir -p "$(dirname "$stage/$2")" && gzip -9n <"$1" >"$stage/$2"; }

mkdir -p "$stage/usr/lib"
cp -a "$root/usr/lib/outbox-relay" "$stage/usr/lib/"
put 755 "$here/outbox-relay" usr/bin/outbox-relay
for unit in outbox-relay.service outbox-relay@.service; do
  put 644 "$units/$unit" "lib/systemd/system/$unit"
done
put 644 "$units/sysusers.conf" usr/lib/sysusers.d/outbox-relay.conf
put 644 "$units/tmpfiles.conf" usr/lib/tmpfiles.d/outbox-relay.conf
put 644 "$units/outbox-relay.env" etc/outbox-relay/outbox-relay.env
put 644 "$units/credentials.conf" usr/share/doc/outbox-relay/examples/credentials.conf
put 644 "$here/copyright" usr/share/doc/outbox-relay/copyright
put 644 "$here/lintian-overrides" usr/share/lintian/overrides/outbox-relay
packed "$here/../systemd/README.md" usr/share/doc/outbox-relay/README.md.gz
packed "$here/outbox-relay.1" usr/share/man/man1/outbox-relay.1.gz

# Debian's own names for who builds a package; lintian refuses the default address.
maintainer="${DEBFULLNAME:-Outbox Relay developers} <${DEBEMAIL:-outbox-relay@localhost}>"
cat >"$stage/changelog" <<END
outbox-relay ($version) unstable; urgency=medium

  * See CHANGELOG.md of the source.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
packed "$stage/changelog" usr/share/doc/outbox-relay/changelog.gz
rm "$stage/changelog"

# The runtime was taken from this host's JDK: not older than the libraries here.
at_least() { dpkg-query -W -f '${Version}' "$1:$(dpkg --print-architecture)" | sed 's/[-+~].*//'; }
mkdir "$stage/DEBIAN"
cat >"$stage/DEBIAN/control" <<END
Package: outbox-relay
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: $maintainer
Section: net
Priority: optional
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$stage" | cut -f1)
Depends: libc6 (>= $(at_least libc6)), libgcc-s1, libstdc++6 (>= $(at_least libstdc++6)), zlib1g, systemd (>= 250)
Description: delivers the events of a durable local outbox to Kafka
 Tasks append events to a memory-mapped outbox on the local disk, without a
 daemon and without a network. This service drains it into Kafka, with retry,
 backoff and dead letters: an outage of Kafka never blocks a task and never
 loses an event. It brings the Java runtime that it needs.
END
echo /etc/outbox-relay/outbox-relay.env >"$stage/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  put 755 "$here/$script" "DEBIAN/$script"
done
(cd "$stage" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) \
  >"$stage/DEBIAN/md5sums"
chmod 644 "$stage"/DEBIAN/{control,conffiles,md5sums}
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$(dirname "$deb")"
dpkg-deb --root-owner-group -Zxz -z1 --threads-max=1 --build "$stage" "$deb" >/dev/null
