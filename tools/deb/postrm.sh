#!/bin/sh
# The program goes; keys, certificates and events that nobody has receipted stay, also at a purge: docs/privacy.md says how they are removed.
set -eu
case ${1:-} in
  remove | purge)
    rm -rf /opt/trygg /opt/trygg-*
    if test -d /run/systemd/system; then systemctl daemon-reload || true; fi
    ;;
esac
