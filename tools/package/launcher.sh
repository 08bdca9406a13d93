
# ChibiBooru in one file: what follows this script is an archive with the program and all that it needs. The
# first start unpacks it into a folder of its own; every start runs it from there.

set -u
elsewhere="Name another folder: CHIBIBOORU_CACHE=DIR"

fail() {
  echo "chibibooru: $1" >&2
  exit 2
}

# The folder of all versions: CHIBIBOORU_CACHE, else where programs keep what they can make again.
find_cache() {
  if [ -n "${CHIBIBOORU_CACHE:-}" ]; then
    cache=$CHIBIBOORU_CACHE
  elif [ -n "${XDG_CACHE_HOME:-}" ]; then
    cache=$XDG_CACHE_HOME/chibibooru
  elif [ -n "${HOME:-}" ] && [ -d "$HOME" ] && [ -w "$HOME" ]; then
    cache=$HOME/.cache/chibibooru
  else
    cache=/var/tmp/chibibooru-$(id -u)
    is_shared=yes
  fi
  case $cache in
    /*) ;;
    *) cache=$PWD/$cache ;;
  esac
}

# Where anybody can make folders, one of somebody else's could hold another program.
demand_own() {
  if [ -n "$is_shared" ] && { [ ! -O "$cache" ] || [ -L "$cache" ]; }; then
    fail "$cache belongs to somebody else. $elsewhere"
  fi
}

# Whether every file of a folder is there in its full size: a power cut or a cleaner may have taken some.
is_whole() {
  [ -r "$1/files.txt" ] || return 1
  sizes=$(cd "$1" && xargs wc -c < files.txt 2> /dev/null) || return 1
  # Of "12 a.js … 34567 total" the number before the last word.
  sizes=${sizes% *}
  [ "${sizes##*[!0-9]}" = "$bytes" ]
}

# Keeps what runs from being removed by a newer version, as long as it runs. Some systems have no flock.
hold() {
  if [ -n "$flock" ] && [ -r "$home/files.txt" ]; then
    exec 9< "$home/files.txt"
    flock -s 9
  fi
}

unpack() {
  [ -d "$cache" ] || (umask 022 && mkdir -p "$cache") 2> /dev/null
  if [ ! -w "$cache" ]; then
    fail "cannot write to $cache, where the program is unpacked. $elsewhere"
  fi
  demand_own
  if [ -n "$flock" ]; then
    exec 8> "$cache/.lock"
    flock -x 8
    # Another start may have done it meanwhile.
    if is_whole "$home"; then
      exec 8>&-
      return
    fi
    # Nobody else unpacks now: these were left by one that was killed.
    rm -rf "$cache"/.unpacking-* "$cache"/.broken-*
  fi
  echo "Unpacking ChibiBooru $version into $home (once)" >&2
  new=$(mktemp -d "$cache/.unpacking-XXXXXX") || fail "cannot write to $cache"
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  start=$(head -n "$skip" "$self" | wc -c)
  # What users may do is the same for all of them.
  chmod 755 "$new"
  messages=$new/.messages
  (umask 022 && tail -c "+$((start + 1))" "$self" | gzip -dc | tar -xof - -C "$new") 2> "$messages"
  if ! is_whole "$new"; then
    fail "cannot unpack $self into $cache: $(cat "$messages" 2> /dev/null)
Is the disk full? Else this file is damaged: download it again."
  fi
  if ! "$new/deno" --version > /dev/null 2> "$messages"; then
    fail "the program does not run from $cache: $(cat "$messages" 2> /dev/null)
It needs a folder on a disk where programs may run$libraries. $elsewhere"
  fi
  rm -f "$messages"
  # Its bytes are on the disk before its name says that it is whole.
  sync -f "$new" 2> /dev/null || sync
  if [ -e "$home" ]; then
    mv "$home" "$cache/.broken-$$"
    rm -rf "$cache/.broken-$$"
  fi
  mv "$new" "$home"
  # Without flock another start may have come first; the move then ended inside its folder.
  rm -rf "${home:?}/${new##*/}"
  trap - EXIT INT TERM HUP
  [ -z "$flock" ] || remove_others
  [ -z "$flock" ] || exec 8>&-
}

# Other versions that nobody runs.
remove_others() {
  for other in "$cache"/[0-9]*-????????????; do
    if [ "$other" != "$home" ] && [ -r "$other/files.txt" ]; then
      (flock -xn 7 && rm -rf "$other") 7< "$other/files.txt" || true
    fi
  done
}

[ "$(uname -s)" = "$os" ] || fail "this file is for $os, this machine is $(uname -s)"
case " $machines " in
  *" $(uname -m) "*) ;;
  *) fail "this file is for $machines, this machine is $(uname -m)" ;;
esac

self=$0
[ -r "$self" ] || self=$(command -v "$0") || fail "cannot find myself: start me by my path"
is_shared=
flock=$(command -v flock) || flock=
find_cache
home=$cache/$version-$build

[ ! -e "$cache" ] || demand_own
hold
if ! is_whole "$home"; then
  unpack
  hold
fi

# Each command has the permissions that it needs. Options without a command are those of serve.
command=${1:-serve}
case $command in -*) command=serve ;; esac
set_name=manage
for pair in $permission_sets; do
  if [ "${pair%%=*}" = "$command" ]; then set_name=${pair#*=}; fi
done

# Paths on the command line are meant from here.
INIT_CWD=$PWD
# Messages name commands as they can be typed.
CHIBIBOORU_PROGRAM=$0
if [ "$(command -v "${0##*/}")" = "$0" ]; then CHIBIBOORU_PROGRAM=${0##*/}; fi
DENO_DIR=$home/deno-dir
DENO_NO_UPDATE_CHECK=1
# A graphics library complains when it is missing.
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$home}
export INIT_CWD CHIBIBOORU_PROGRAM DENO_DIR DENO_NO_UPDATE_CHECK XDG_RUNTIME_DIR
cd "$home/app" || fail "cannot read $home"
exec "$home/deno" run --quiet --no-prompt --no-lock --no-remote --cached-only "-P=$set_name" main.js "$@"
