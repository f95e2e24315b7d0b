# Shared by tools/quickstart, tools/check and .ci/run: `source`d, after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

build_packages=(libopenmpi-dev openmpi-bin libhdf5-openmpi-dev hdf5-tools nlohmann-json3-dev catch2 libxxhash-dev
  libcli11-dev meson ninja-build pkg-config g++ python3 python3-h5py)
check_packages=(clang clang-format cmake gfortran libeigen3-dev libxtensor-dev make python3-xxhash)

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The comment block at the top of a script is its help.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# MPI refuses root unless it is told twice; more ranks than cores must share them without spinning.
mpi_environment() {
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
mpi_flags=()
find_mpi_flags() {
  if mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
    mpi_flags=(--oversubscribe --bind-to none --mca mpi_yield_when_idle 1)
  fi
}
# run_mpi RANKS PROGRAM ARGUMENTS...; never longer than five minutes
run_mpi() {
  local ranks=$1
  shift
  timeout --kill-after=10 300 mpirun "${mpi_flags[@]}" -n "$ranks" "$@"
}

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# install_packages PACKAGE...: what is missing, from Debian or Ubuntu; elsewhere it looks whether all is there.
install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    require_commands
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and there is no sudo. As root, run:
  apt-get update && apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

require_commands() {
  local command module absent=()
  for command in meson ninja pkg-config c++ mpirun h5dump; do
    command -v "$command" >/dev/null || absent+=("the command $command")
  done
  if command -v pkg-config >/dev/null; then
    for module in nlohmann_json libxxhash CLI11 catch2; do
      pkg-config --exists "$module" || absent+=("the pkg-config module $module")
    done
    pkg-config --exists ompi || pkg-config --exists mpich || pkg-config --exists mpi ||
      absent+=("the pkg-config module ompi, mpich or mpi")
    pkg-config --exists hdf5-openmpi || pkg-config --exists hdf5-mpich || pkg-config --exists hdf5 ||
      absent+=("the pkg-config module hdf5 (of a parallel HDF5)")
  fi
  [ "${#absent[@]}" -eq 0 ] && return
  printf '  %s\n' "${absent[@]}" >&2
  die "there is no apt-get here, and the above is missing. Install: an MPI with its compilers, HDF5 built with that MPI
and its command-line tools, nlohmann/json, Catch2 (version 2), xxHash, CLI11, Meson 1.0 or newer, Ninja, pkg-config,
a C++20 compiler, and python3 with h5py. On Debian and Ubuntu these are:
  ${build_packages[*]}"
}

# Whether DIRECTORY is a working build of this checkout.
is_build_of_this() {
  [ -f "$1/build.ninja" ] && [ -f "$1/meson-private/coredata.dat" ] &&
    grep -qF "\"source\": \"$root\"" "$1/meson-info/meson-info.json" 2>/dev/null
}

# configure DIRECTORY OPTIONS...: sets up a build, or brings an old one in line; one that is stale is made anew.
configure() {
  local directory=$1
  shift
  if is_build_of_this "$directory"; then
    meson configure "$directory" "$@" >/dev/null && meson setup --reconfigure "$directory" "$root" && return
    echo "The build in $directory cannot be reconfigured: starting again."
  elif [ -e "$directory" ]; then
    echo "$directory is not a build of this checkout, or was left half-made: starting again."
  fi
  rm -rf "$directory" || die "cannot remove $directory (made by another user?): remove it, then try again"
  meson setup "$directory" "$root" "$@"
}

system_python() { if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else echo python3; fi; }

# Open MPI removes the directory that all jobs of a user share when it finds it empty, although another job may just be
# about to use it, which then does not start. hold_mpi_sessions keeps it from being empty; release_mpi_sessions lets it go.
mpi_sessions=
hold_mpi_sessions() {
  local own
  own=$(mpirun -n 1 printenv PMIX_SERVER_TMPDIR 2>/dev/null) || return 0
  [ -n "$own" ] || return 0
  mpi_sessions=${own%/*}
  mkdir -p "$mpi_sessions/held-$$" || mpi_sessions=
}
release_mpi_sessions() {
  [ -n "$mpi_sessions" ] || return 0
  rmdir "$mpi_sessions/held-$$" 2>/dev/null || true
  mpi_sessions=
}

# run_tests BUILD ARGUMENTS...: runs `meson test`, shows what failed, ends with the counts; fails if a test did.
run_tests() {
  local build=$1 status=0
  shift
  rm -f "$build/meson-logs/testlog.json"
  hold_mpi_sessions
  meson test -C "$build" "$@" || status=$?
  release_mpi_sessions
  "$(system_python)" "$root/tools/summarize_tests.py" "$build/meson-logs/testlog.json" || return 1
  [ "$status" -eq 0 ]
}

# Counts of tests, and of steps that count as one.
start_counting() { passed=0 failed=0 skipped=0; }
count() { # count STATUS NAME
  if [ "$1" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $2"
  fi
}
# add_counts LOG NAME STATUS: the counts in the last line of a log; where there are none, the step failed as a whole.
add_counts() {
  local line
  line=$(tail -n 1 "$1")
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
    # Tests can be well while the step is not.
    if [ "$3" -ne 0 ] && [ "${BASH_REMATCH[2]}" -eq 0 ]; then count 1 "$2"; fi
  else
    count 1 "$2"
  fi
}
# Prints them; fails if one failed.
print_counts() {
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
}
