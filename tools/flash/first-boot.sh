#!/bin/sh
# Trygg's first boot: what the card brought along is put into its place, and looked at; where anything is missing it says so, loudly, and tries
# again each minute. It ends for good once all of it was found applied.
#
#   first-boot.sh install   make it due and begin now (cloud-init)
#   first-boot.sh enable    make it due at the next start (firstrun.sh)
#   first-boot.sh apply     what the service runs
#
# What came of it stands in first-boot.txt on the boot partition, where a laptop reads it: trygg-kit flash pi --check.
# TRYGG_FIRST_BOOT_TREE is another tree than the machine's, for tests.
set -u
tree=${TRYGG_FIRST_BOOT_TREE:-}
here=$(cd "$(dirname "$0")" && pwd)
state=$tree/var/lib/trygg-first-boot
unit=$tree/etc/systemd/system/trygg-first-boot.service
report=$here/first-boot.txt
log=$tree/var/log/trygg-first-boot.log

tell() { # a line for whoever looks: report, screen, log of the system
  printf '%s\n' "$1" >"$report.new" && mv "$report.new" "$report" && sync
  printf 'trygg: %s\n' "$1" | tee -a "$log" >"$tree/dev/console" 2>/dev/null || true
}

lamp() { # the green lamp of the board: timer blinks, heartbeat beats, mmc0 is as usual
  for led in "$tree"/sys/class/leds/ACT "$tree"/sys/class/leds/led0; do
    test ! -w "$led/trigger" || echo "$1" >"$led/trigger"
  done
}

fail() {
  tell "FAILED: $1"
  lamp timer
  exit 1
}

due() {
  mkdir -p "$(dirname "$unit")" "$state" && cat >"$unit" <<END
[Unit]
Description=Trygg: what the card brought along is applied and checked
After=network.target local-fs.target time-set.target
ConditionPathExists=!/var/lib/trygg-first-boot/done
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh $here/first-boot.sh apply
Restart=on-failure
RestartSec=60

[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  systemctl enable trygg-first-boot.service
}

place() { # file owner mode target: as the card has it, checked
  install -D -m "$3" "$here/$1" "$tree$4" && chown "$2" "$tree$4" && cmp -s "$here/$1" "$tree$4" || fail "$4 could not be written: is the card full?"
}

apply() {
  test ! -e "$state/done" || exit 0
  mkdir -p "$state"
  lamp heartbeat
  (cd "$here" && sha256sum --status -c SHA256SUMS) || fail "files on the card are damaged: prepare the card again"
  gateway=$(cat "$here/gateway")

  if ! dpkg-query -W -f '${db:Status-Abbrev}${Version}' trygg 2>/dev/null | grep -qxF "ii $(cat "$here/version")"; then
    dpkg --configure -a >>"$log" 2>&1 || true # of an installation that a power cut ended
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends --allow-downgrades -y "$here/trygg.deb" \
      >>"$log" 2>&1 || fail "the package was not installed: is there a network? See $log"
  fi
  place root.pub root:root 644 /etc/trygg/root.pub
  place hub.toml root:root 644 /etc/trygg/hub.toml
  place district.toml root:root 644 /etc/trygg/district.toml
  test ! -f "$here/ca.pem" || place ca.pem root:root 644 /etc/trygg/ca.pem
  # They leave the partition that every laptop reads, once they are in their place. The page looks for its code among the keys.
  for secret in token:token code:keys/page.code; do
    target=/var/lib/trygg/${secret#*:} secret=${secret%%:*}
    test -f "$here/$secret" || continue
    test -f "$tree$target" && cmp -s "$here/$secret" "$tree$target" || place "$secret" trygg:trygg 600 "$target"
  done

  # Not what was copied, but what the gateway makes of it.
  said=$(runuser -u trygg -- "$tree/opt/trygg/bin/trygg" identity --json -c "$tree/etc/trygg/hub.toml" 2>>"$log") || fail "the configuration was not accepted: see $log"
  case $said in *"\"gateway\": \"$gateway\""* | *"\"gateway\":\"$gateway\""*) ;; *) fail "this is not gateway $gateway: prepare the card again" ;; esac

  if test -f "$here/enrol" && test ! -e "$state/enrolled"; then
    runuser -u trygg -- "$tree/opt/trygg/bin/trygg" identity --enrol "$(cat "$here/enrol")" --token - -c "$tree/etc/trygg/hub.toml" \
      <"$tree/var/lib/trygg/token" >>"$log" 2>&1 || fail "no certificate yet: $(tail -n 1 "$log")"
    touch "$state/enrolled"
  fi
  if test -e "$state/enrolled"; then
    systemctl enable --now trygg.service >>"$log" 2>&1
    systemctl --quiet is-active trygg.service || fail "the hub does not start: journalctl -u trygg"
  fi

  sed -i '/ token$/d; / code$/d' "$here/SHA256SUMS" && sync # first: what is gone must not be missed after a power cut
  for secret in token code; do
    test ! -f "$here/$secret" || { dd if=/dev/zero of="$here/$secret" bs=512 count=1 conv=notrunc 2>/dev/null; rm -f "$here/$secret"; }
  done
  test ! -e "$state/enrolled" || rm -f "$tree/var/lib/trygg/token" # it has been used
  tell "OK: gateway $gateway, trygg $(cat "$here/version")$(test -e "$state/enrolled" || echo ', waits for its certificate')"
  touch "$state/done" && sync
  lamp mmc0
}

case ${1:-} in
  install) due && systemctl start --no-block trygg-first-boot.service ;;
  enable) due ;;
  apply) apply ;;
  *) echo "install, enable or apply" >&2; exit 2 ;;
esac
