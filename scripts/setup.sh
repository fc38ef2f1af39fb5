#!/bin/sh
# Installs what the build needs beside Rust: a C++ compiler, make, cmake and libclang for llama.cpp.
# Asks for nothing, and changes nothing where everything is there.
set -eu

need=""
command -v cargo >/dev/null 2>&1 || {
    echo "setup: cargo is missing: install Rust 1.95 or newer, see https://rustup.rs" >&2
    exit 1
}
command -v c++ >/dev/null 2>&1 || need="$need g++"
command -v make >/dev/null 2>&1 || need="$need make"
command -v cmake >/dev/null 2>&1 || need="$need cmake"
# bindgen needs libclang itself and clang's own headers; libclang-dev brings both.
exists() {
    for file in "$@"; do
        [ -e "$file" ] && return 0
    done
    return 1
}
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    exists /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-[0-9]*.so* \
        /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so* /usr/lib64/libclang.so* &&
        exists /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/lib/clang/*/include/stddef.h \
            /usr/lib64/clang/*/include/stddef.h
}
has_libclang || need="$need libclang-dev"

[ -z "$need" ] && exit 0

by_hand() {
    echo "setup: missing:$need" >&2
    echo "setup: $1; install by hand what your system calls them, then run make again" >&2
    exit 1
}
command -v apt-get >/dev/null 2>&1 || by_hand "there is no apt-get here"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || by_hand "you are not root, and sudo is missing or asks for a password"
    as_root="sudo"
fi
echo "setup: installing$need" >&2
$as_root apt-get update -qq >&2
# shellcheck disable=SC2086 # the names are separate words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $need >&2
