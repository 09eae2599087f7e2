#!/usr/bin/env bash
# Adds the class archive to ROOT, which ops/runtime/build.sh made: classes ready to be mapped, for a faster start.
#
# usage: archive.sh ROOT
set -euo pipefail
cd "$1/usr/lib/outbox-relay"

# The archive holds for these two files only, by size and time; jib gives everything in the image this time.
touch -d @1 outbox-relay.jar runtime/lib/modules
runtime/bin/java -Xshare:dump -XX:SharedClassListFile=classes.lst -XX:SharedArchiveFile=outbox-relay.jsa \
  -cp outbox-relay.jar >dump.log 2>&1 || {
  cat dump.log >&2
  exit 1
}
rm dump.log
chmod 644 outbox-relay.jsa
