#!/usr/bin/env bash
# The tests run against real peers: nats-server, ActiveMQ, MCollective 2.12.5 and its Ruby, promtool and Chromium. This installs what is
# missing of them on Debian and its relatives, as root or with `sudo -n`, and is silent when nothing is.
set -euo pipefail

# Daemons live in /usr/sbin, which is not on everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"

has() { command -v "$1" >/dev/null 2>&1; }
has_activemq() { compgen -G '/usr/share/activemq/lib/*.jar' >/dev/null; }
has_pip() { has python3 && python3 -m pip --version; } >/dev/null 2>&1
has_stomp_gem() { has ruby && ruby -e 'require "stomp"' >/dev/null 2>&1; }

missing_packages() {
  has nats-server || echo nats-server
  has_activemq || echo activemq
  # keytool comes with a JRE and makes the broker's trust store.
  { has java && has keytool; } || echo default-jre-headless
  has mcollectived || echo mcollective
  has mco || echo mcollective-client
  has ruby || echo ruby
  has_stomp_gem || echo ruby-stomp
  # Alert rules are tested with promtool, which comes with the server.
  has promtool || echo prometheus
  # Clocks that are wrong.
  has faketime || echo faketime
  # Clients in another language than Ruby's.
  has python3 || echo python3
  has_pip || echo python3-pip
  has perl || echo perl
  has openssl || echo openssl
  # What a bridge asks of the kernel, and in which order; and its audit's recipes.
  has strace || echo strace
  has jq || echo jq
  # The live page is looked at in a real browser.
  has chromium || echo chromium
}

mapfile -t packages < <(missing_packages)
[ "${#packages[@]}" -eq 0 ] && exit 0

give_up() {
  {
    echo "The tests need these programs, which could not be installed ($1): ${packages[*]}"
    echo "Install them yourself (as root, on Debian 12 or a relative), then run the tests again:"
    echo "  apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
  } >&2
  exit 1
}

has apt-get || give_up 'no apt-get here'
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  { has sudo && sudo -n true 2>/dev/null; } || give_up 'not root, and sudo wants a password'
  as_root=(sudo -n)
fi

# The packages start their daemons. The tests start their own, so the programs by which maintainer scripts start
# services are shadowed while apt runs: by a PATH, not by a file such as policy-rc.d that would stay behind, and
# bind the whole machine, if this script were killed.
shadows="$(mktemp -d)"
log="$(mktemp)"
trap 'rm -rf "$shadows" "$log"' EXIT
for program in invoke-rc.d deb-systemd-invoke; do
  printf '#!/bin/sh\nexit 0\n' >"$shadows/$program"
done
chmod 0755 "$shadows" "$shadows"/*

apt() {
  "${as_root[@]}" env PATH="$shadows:$PATH" DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}

echo "Installing what the tests need: ${packages[*]}" >&2
apt install --no-install-recommends "${packages[@]}" || {
  # Package lists that are missing or old.
  apt update && apt install --no-install-recommends "${packages[@]}" || {
    tail -n 20 "$log" >&2
    give_up 'apt-get failed'
  }
}

# Installing enabled the new daemons for the next boot.
if [ -d /run/systemd/system ]; then
  for package in "${packages[@]}"; do
    case "$package" in
      nats-server | activemq | mcollective | prometheus)
        "${as_root[@]}" systemctl disable "$package" >>"$log" 2>&1 || true
        ;;
    esac
  done
fi

mapfile -t packages < <(missing_packages)
[ "${#packages[@]}" -eq 0 ] || give_up 'apt-get installed them, but they are still not found'
