#!/bin/sh
set -eu
if test "${1:-}" = remove && test -d /run/systemd/system; then
  systemctl disable --now trygg.service trygg-bonds.socket || true
fi
