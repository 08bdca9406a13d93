
# ChibiBooru in one file: what follows this script is an archive with the program and all that it needs. The
# first start unpacks it into a folder of its own; every start runs it from there.

set -u
elsewhere="Name another folder: CHIBIBOORU_CACHE=DIR"
newline='
'
run="run --quiet --no-prompt --no-lock --no-remote --cached-only"

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

# Runs nothing that somebody else may have put there. What root unpacked is for all; who names a folder trusts
# its owner; and where everybody can make folders, each has an own one.
demand_own() {
  if [ -n "$is_shared" ] && [ -e "$cache" ] && { [ ! -O "$cache" ] || [ -L "$cache" ]; }; then
    fail "$cache belongs to somebody else. $elsewhere"
  fi
  if [ ! -e "$home" ] || [ -O "$home" ]; then return; fi
  if [ -n "${CHIBIBOORU_CACHE:-}" ]; then
    strange=$(cd / && find "$cache/" "$home/" -prune -perm -0002) || strange=$home
  else
    strange=$(cd / && find "$cache/" "$home/" -prune ! -user 0 ! -user "$(id -u)") || strange=$home
  fi
  [ -z "$strange" ] || fail "$home was put there by somebody else. $elsewhere"
}

# Whether every file of a folder is there in its full size: a power cut or a cleaner may have taken some.
is_whole() {
  [ -r "$1/files.txt" ] || return 1
  # Each name is one word. Without names wc would read what is typed.
  # shellcheck disable=SC2046
  sizes=$(cd "$1" && LC_ALL=C wc -c $(cat files.txt) < /dev/null 2> /dev/null) || return 1
  # Of "12 a.js … 34567 total" the number before the last word.
  sizes=${sizes% *}
  [ "${sizes##*[!0-9]}" = "$bytes" ]
}

is_ready() {
  [ -x "$home/deno" ] && is_whole "$home"
}

# Keeps what runs from being removed by a newer version, as long as it runs. Some systems have no flock.
hold() {
  if [ -n "$flock" ] && [ -r "$home" ]; then
    exec 9< "$home"
    flock -s 9 2> /dev/null || flock=
  fi
}

# Lets one start at a time unpack, and removes what was left by one that was killed.
lock_cache() {
  if [ -n "$flock" ]; then
    exec 8< "$cache"
    if ! flock -xn 8 2> /dev/null; then
      echo "Waiting for another start, which unpacks into $cache" >&2
      flock -x 8 2> /dev/null || flock=
    fi
  fi
  if [ -n "$flock" ]; then
    rm -rf "$cache"/.chibibooru-* 2> /dev/null
  else
    # Another start may be at it; not since yesterday.
    find "$cache"/.chibibooru-* -prune -mtime +0 -exec rm -rf {} + 2> /dev/null
  fi
}

unpack() {
  [ -d "$cache" ] || (umask 022 && mkdir -p "$cache") 2> /dev/null
  if [ ! -w "$cache" ] || [ ! -r "$cache" ]; then
    fail "cannot write to $cache, where the program is unpacked. $elsewhere"
  fi
  demand_own
  lock_cache
  # Another start may have done it meanwhile.
  if ! is_ready; then
    echo "Unpacking ChibiBooru $version into $home (once)" >&2
    new=
    trap 'rm -rf "$new"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    new=$(mktemp -d "$cache/.chibibooru-XXXXXX") || fail "cannot write to $cache. $elsewhere"
    fill_new
    put_new_in_place
    trap - EXIT HUP INT TERM
    [ -z "$flock" ] || remove_others
  fi
  hold
  [ -z "$flock" ] || exec 8<&-
}

fill_new() {
  unset TAR_OPTIONS GZIP
  start=$(head -n "$skip" < "$self" | wc -c)
  # What users may do is the same for all of them.
  chmod 755 "$new"
  # A damaged archive can have files of the right sizes; a tar that ends early is no fault of gzip.
  messages=$(
    umask 022
    { tail -c "+$((start + 1))" < "$self" | { gzip -dc || : > "$new/.damaged"; } |
      { tar -xof - -C "$new"; cat > /dev/null; }; } 2>&1
  )
  if [ -e "$new/.damaged" ] || ! is_whole "$new"; then
    fail "cannot unpack $self into $cache: ${messages%%"$newline"*}
Is the disk full? Else this file is damaged: download it again."
  fi
  # shellcheck disable=SC2086
  messages=$(
    cd "$new/app" && INIT_CWD=/ HOME=$new DENO_DIR=$new/deno-dir ../deno $run -P=manage main.js --version 2>&1
  ) ||
    fail "the program does not run from $cache: $messages
It needs a folder on a disk where programs may run$libraries. $elsewhere"
}

put_new_in_place() {
  # Its bytes are on the disk before its name says that it is whole.
  sync -f "$new" 2> /dev/null || sync
  old=$cache/.chibibooru-old-$$
  if [ -e "$home" ] || [ -L "$home" ]; then is_ready || mv "$home" "$old"; fi
  # Without flock another start may have been first: then this ends inside of its folder.
  mv "$new" "$home"
  rm -rf "$old" "${home:?}/${new##*/}" "$new"
  is_ready || fail "cannot replace $home. Remove it, and start again"
}

# Other versions that nobody runs: twelve hexadecimal digits at the end, and a program inside.
remove_others() {
  for other in "$cache"/[0-9]*-????????????; do
    case ${other##*-} in *[!0-9a-f]*) continue ;; esac
    if [ "$other" != "$home" ] && [ -x "$other/deno" ] && [ -r "$other/app/main.js" ]; then
      remove_unheld "$other" 2> /dev/null
    fi
  done
}

# Taken away at once, so that a kill leaves no half of it.
remove_unheld() (
  exec 7< "$1"
  flock -xn 7 && mv "$1" "$cache/.chibibooru-old-$$" && rm -rf "$cache/.chibibooru-old-$$"
)

machine=$(uname -sm)
case "$os: $machines " in
  "${machine%% *}:"*" ${machine#* } "*) ;;
  *) fail "this file is for $os on $machines, this machine is $machine" ;;
esac
# Paths on the command line are meant from here; a folder that was removed has no name.
[ -n "${PWD:-}" ] || fail "the folder that you are in was removed. Go to another one"

self=$0
[ -r "$self" ] || self=$(command -v "$0") || fail "cannot find myself: start me by my path"
is_shared=
flock=$(command -v flock) || flock=
find_cache
home=$cache/$version-$build

# What is set for other programs that Deno or Node run is not meant for this one.
unset NODE_OPTIONS NODE_CHANNEL_FD DENO_AUDIT_PERMISSIONS DENO_COVERAGE_DIR DENO_PERMISSION_BROKER_PATH \
  DENO_UNSTABLE_CONTROL_SOCK

demand_own
hold
is_ready || unpack

# Each command has the permissions that it needs. Options without a command are those of serve.
command=${1:-serve}
case $command in -*) command=serve ;; esac
set_name=manage
for pair in $permission_sets; do
  if [ "${pair%%=*}" = "$command" ]; then set_name=${pair#*=}; fi
done

INIT_CWD=$PWD
# Messages name commands as they can be typed.
CHIBIBOORU_PROGRAM=$0
if [ "$(command -v -- "${0##*/}")" = "$0" ]; then CHIBIBOORU_PROGRAM=${0##*/}; fi
# Deno reads settings of npm there, which are not meant for it either.
HOME=$home
DENO_DIR=$home/deno-dir
DENO_NO_UPDATE_CHECK=1
# A graphics library complains when it is missing.
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$home}
export INIT_CWD CHIBIBOORU_PROGRAM HOME DENO_DIR DENO_NO_UPDATE_CHECK XDG_RUNTIME_DIR
cd "$home/app" || fail "cannot read $home"
# shellcheck disable=SC2086
exec "$home/deno" $run "-P=$set_name" main.js "$@"
