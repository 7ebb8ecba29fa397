# What the build and the tests need from the system: sourced, never run; needs printing.sh.
#
# Each need is found by looking for the thing itself (a program, a header), not for a package by name, so that a library
# built by hand counts as present.

# Swift 6.2 is what Package.swift asks for; 6.3 is what is tested.
minimum_swift_major=6
minimum_swift_minor=2

require_swift() {
    local version major minor
    command -v swift >/dev/null || fail "no 'swift' on the PATH. Install Swift 6.3 (https://www.swift.org/install/linux/), then run this again."
    version=$(swift --version 2>/dev/null | grep -o 'Swift version [0-9]*\.[0-9]*' | head -n 1 | grep -o '[0-9]*\.[0-9]*' || true)
    [[ -n "$version" ]] || fail "'swift --version' does not run; the toolchain at $(command -v swift) is not complete."
    major=${version%%.*} minor=${version#*.}
    if ((major < minimum_swift_major || (major == minimum_swift_major && minor < minimum_swift_minor))); then
        fail "Swift $version is too old: $minimum_swift_major.$minimum_swift_minor or later is needed (https://www.swift.org/install/linux/)."
    fi
}

# Lists what is missing, one "package|reason" a line. Arguments: the groups wanted, of: build, tests.
missing_packages() {
    local group
    for group in "$@"; do
        case "$group" in
        build)
            command -v git >/dev/null || echo "git|SwiftPM fetches the Swift packages with it"
            [[ -d /etc/ssl/certs && -n "$(ls -A /etc/ssl/certs 2>/dev/null)" ]] ||
                echo "ca-certificates|so that the fetching can trust the hosts it talks to"
            if ! compgen -G '/usr/include/c++/*/vector' >/dev/null || [[ ! -e /usr/include/stdio.h ]]; then
                echo "g++|the C and C++ headers and libraries that the Swift toolchain links against"
            fi
            command -v pkg-config >/dev/null || echo "pkg-config|tells SwiftPM where RocksDB's header and library are"
            if command -v pkg-config >/dev/null; then
                pkg-config --exists rocksdb || echo "librocksdb-dev|RocksDB, the storage engine"
            elif ! compgen -G '/usr/lib/*/pkgconfig/rocksdb.pc' >/dev/null; then
                echo "librocksdb-dev|RocksDB, the storage engine"
            fi
            ;;
        tests)
            command -v python3 >/dev/null || echo "python3|runs the integration tests"
            python3 -c 'import venv, ensurepip' 2>/dev/null ||
                echo "python3-venv|a private place for Riak's Python client, whose own tests are run"
            command -v etcd >/dev/null || echo "etcd-server|holds the configuration of the clusters that are tested"
            compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ||
                echo "libfaketime|gives nodes of tested clusters clocks that are wrong"
            ;;
        esac
    done
}

# Installs what is missing of the groups named, or says exactly what to run and stops.
install_dependencies() {
    local missing packages=() line
    missing=$(missing_packages "$@")
    [[ -n "$missing" ]] || return 0

    step "Some system packages are missing"
    while IFS= read -r line; do
        packages+=("${line%%|*}")
        detail "$(printf '%-16s %s' "${line%%|*}" "${line#*|}")"
    done <<<"$missing"

    if [[ "$(uname -s)" == Darwin ]]; then
        fail "on macOS, run: brew install rocksdb pkg-config python@3.11"
    fi
    command -v apt-get >/dev/null ||
        fail "this system has no apt-get; install the equivalents of: ${packages[*]}"

    local as_root=()
    if [[ $EUID -ne 0 ]]; then
        # Without a terminal nobody can type a password, so only a sudo that needs none is of use.
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            fail "installing them needs root. Run this, then try again:
    apt-get update && apt-get install --yes --no-install-recommends ${packages[*]}"
        fi
    fi

    step "Installing with apt-get${as_root[*]:+ (with sudo, which may ask for your password)}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" apt-get update -qq || warn "apt-get update failed; trying with the package lists already here"
    "${as_root[@]}" apt-get install --yes -qq --no-install-recommends "${packages[@]}" </dev/null ||
        fail "apt-get could not install them. Run this by hand and read its answer:
    apt-get update && apt-get install --yes --no-install-recommends ${packages[*]}"

    missing=$(missing_packages "$@")
    [[ -z "$missing" ]] || fail "still missing after the installation: $(cut -d'|' -f1 <<<"$missing" | paste -sd' ')"
}
