#!/usr/bin/env bash
# Makes DIR, the root of a small file system in which the relay runs: the jar, a Java runtime of only the
# modules that it needs, the list of classes for its archive, and of glibc what the runtime loads. The .deb
# takes usr/lib/outbox-relay of it, the image all. The same input gives the same bytes.
#
# usage: build.sh DIR          with JAVA_HOME, a JDK 17 or newer, and SOURCE_DATE_EPOCH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath -m "$1")
jar=$here/../../relay/target/outbox-relay.jar
: "${SOURCE_DATE_EPOCH:?}"
java_home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}

# Beyond what jdeps names: TLS with elliptic curves, SASL with SCRAM, PLAIN and Kerberos, DNS, Logback's
# XML, Chronicle's and Kafka's Unsafe, the process's figures for the metrics.
modules=(
  java.base java.logging java.management java.naming java.security.jgss java.security.sasl java.xml
  jdk.crypto.ec jdk.management jdk.naming.dns jdk.net jdk.security.auth jdk.security.jgss
  jdk.unsupported jdk.zipfs
)

rm -rf "$root"
home=$root/usr/lib/outbox-relay
mkdir -p "$home" "$root/tmp" "$root/etc" "$root/proc"
# The options go into the runtime itself: whatever comes from JDK_JAVA_OPTIONS or a command line then wins.
"$java_home/bin/jlink" --add-modules "$(IFS=,; echo "${modules[*]}")" --strip-debug --no-man-pages --no-header-files \
  --add-options "$(xargs <"$here/jvm.options")" --output "$home/runtime"
rm -f "$home/runtime/bin/keytool" "$home/runtime/lib/jrt-fs.jar" "$home/runtime/lib/classlist"
cp "$jar" "$home/outbox-relay.jar"
cp "$here/classes.lst" "$home/"

# The loader and the libraries, where the loader looks for them.
find "$home/runtime" -type f \( -name '*.so' -o -path '*/bin/java' \) -print0 |
  LD_LIBRARY_PATH=$home/runtime/lib:$home/runtime/lib/server xargs -0 ldd |
  grep -oE '(=> )?/[^ ]+' | sed 's/^=> //' | grep -v "^$home" | grep -v ':$' | LC_ALL=C sort -u |
  while read -r library; do
    install -D -m 0755 "$(readlink -f "$library")" "$root$library"
  done

# The compression libraries in the jar still ask for the parts that glibc once had.
for library in "$root"/lib/*/libc.so.6; do
  for part in libpthread.so.0 libdl.so.2 librt.so.1; do
    install -m 0755 "$(readlink -f "${library#"$root"}" | xargs dirname)/$part" "$(dirname "$library")/"
  done
done

chmod -R u=rwX,go=rX "$root/usr" "$root/etc"
chmod 1777 "$root/tmp"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
