#!/bin/sh
# Makes users, group and directory of an outbox on this host, as often as it is called:
#   set-up-host.sh [--dir DIR] [--group GROUP] [--relay-user USER] WRITER...
# WRITER: each user whose processes append (airflow, and whoever run_as_user names); all must exist.
# What was there is kept; a directory of another group is refused, as events may wait in it.
set -eu

dir=/var/lib/outbox group=outbox relay=outbox-relay
usage="usage: set-up-host.sh [--dir DIR] [--group GROUP] [--relay-user USER] WRITER..."

refuse() {
  echo "set-up-host.sh: $1" >&2
  exit "${2:-1}"
}

while [ $# -gt 0 ]; do
  case "$1" in
  --dir | --group | --relay-user)
    [ $# -ge 2 ] || refuse "$1 needs a value. $usage" 2
    case "$1" in
    --dir) dir=$2 ;;
    --group) group=$2 ;;
    --relay-user) relay=$2 ;;
    esac
    shift 2
    ;;
  -h | --help)
    echo "$usage"
    exit 0
    ;;
  --)
    shift
    break
    ;;
  -*) refuse "$1 is no option. $usage" 2 ;;
  *) break ;;
  esac
done
[ $# -gt 0 ] || refuse "name the users that append. $usage" 2
case "$dir" in
/*) ;;
*) refuse "--dir is '$dir': it must be absolute" 2 ;;
esac
case "$dir/" in
*/./* | */../*) refuse "--dir is '$dir': name it without . and .." 2 ;;
esac
while [ "$dir" != / ] && [ "${dir%/}" != "$dir" ]; do dir=${dir%/}; done
[ "$(id -u)" = 0 ] || refuse "only root can do this"

# Whether a name, and no number, is in a file of this host: usermod changes no others.
is_local() {
  cut -d: -f1 "$1" | grep -Fqxe "$2"
}

# Whether useradd and groupadd take it everywhere.
is_name() {
  case "$1" in
  [!a-z_]* | *[!a-z0-9_-]* | '') return 1 ;;
  esac
}

is_in() {
  id -nG "$1" | tr ' ' '\n' | grep -Fqxe "$group"
}

for writer; do
  id -u "$writer" >/dev/null 2>&1 || refuse "there is no user '$writer': create it first"
done
if getent group "$group" >/dev/null; then
  [ "$(getent group "$group" | cut -d: -f1)" = "$group" ] || refuse "--group is '$group': give its name"
else
  is_name "$group" || refuse "--group is '$group': that is no name"
fi
id -u "$relay" >/dev/null 2>&1 || is_name "$relay" || refuse "--relay-user is '$relay': that is no name"
for user in "$relay" "$@"; do
  if id -u "$user" >/dev/null 2>&1 && ! is_in "$user"; then
    is_local /etc/passwd "$user" ||
      refuse "'$user' is no name in /etc/passwd: put this user into $group where it is kept (LDAP …), or name it"
    ! getent group "$group" >/dev/null || is_local /etc/group "$group" ||
      refuse "$group is not in /etc/group: put '$user' into it where it is kept (LDAP …)"
  fi
done

# What is in the directory; a file system of its own begins with lost+found.
contents() {
  ls -A "$dir" | grep -vx 'lost+found' || true
}

# Everything is looked at before anything is changed.
parent=$(dirname "$dir")
[ -d "$parent" ] || refuse "$parent does not exist: create it first"
[ ! -L "$dir" ] || refuse "$dir is a symbolic link: name the directory itself"
[ ! -e "$dir" ] || [ -d "$dir" ] || refuse "$dir is no directory"
if [ -d "$dir" ] && [ "$(stat -c %G "$dir")" != "$group" ] && [ -n "$(contents)" ]; then
  refuse "$dir is of group $(stat -c %G "$dir") and not empty: events may wait there. If it is an outbox of that group, name the group (--group); else use another directory"
fi
if [ -n "$(find -H "$parent" -maxdepth 0 -perm -o=w)" ]; then
  refuse "$parent is world-writable: anyone could replace the outbox. Use another directory"
fi

getent group "$group" >/dev/null || groupadd --system "$group"
id -u "$relay" >/dev/null 2>&1 ||
  useradd --system --gid "$group" --home-dir "$dir" --no-create-home --shell /usr/sbin/nologin "$relay"
for user in "$relay" "$@"; do
  is_in "$user" || usermod -a -G "$group" "$user"
done
[ -d "$dir" ] && [ -n "$(contents)" ] || install -d -o "$relay" -g "$group" "$dir"
chmod 2770 "$dir"
wrong=$(find "$dir" -mindepth 1 ! -name lost+found \( ! -group "$group" -o -type d ! -perm -g=rwx -o -type f ! -perm -g=rw \) 2>/dev/null | head -5)
if [ -n "$wrong" ]; then
  refuse "the group cannot use what is there already; find out who made it, then chgrp $group and chmod g+rw (directories g+rwx):
$wrong"
fi

echo "$dir: relay runs as $relay; of group $group: $relay $*"
echo "Restart what runs as one of these users: groups are read at the start of a service."
echo "Check as each of them: runuser -u USER -- outbox doctor --dir $dir"
