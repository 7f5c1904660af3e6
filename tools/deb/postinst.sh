#!/bin/sh
# The environment is made from the wheels of this package, beside the one that runs, tried out, and put in its place in one step: a power cut
# or a failure in between leaves what was there.
set -eu
test "${1:-}" = configure || exit 0

getent group trygg >/dev/null || groupadd --system trygg
getent passwd trygg >/dev/null || useradd --system --gid trygg --home-dir /var/lib/trygg --no-create-home --shell /usr/sbin/nologin trygg
for group in bluetooth dialout; do # the unit names them: without one of them it would not start
  getent group $group >/dev/null || groupadd --system $group
done
install -d -m 755 /etc/trygg
install -d -m 700 -o trygg -g trygg /var/lib/trygg /var/lib/trygg/keys /var/lib/trygg/tls

version=$(cat /usr/lib/trygg/version)
for left in /opt/trygg-*; do # of an installation that was cut off
  test "$left" = "$(readlink -f /opt/trygg || true)" || rm -rf "$left"
done
new=$(mktemp -d "/opt/trygg-$version.XXXXXX")
chmod 755 "$new"
if python3 -c 'import ensurepip' 2>/dev/null; then
  python3 -m venv "$new"
  pip="$new/bin/python -m pip"
else
  python3 -m venv --without-pip "$new"
  pip="python3 -m pip --python $new/bin/python"
fi
if test -e /usr/lib/trygg/bundled; then
  export PIP_NO_INDEX=1 PIP_FIND_LINKS=/usr/lib/trygg/wheels
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=1
$pip install --require-hashes --no-deps --only-binary :all: -r /usr/lib/trygg/gateway.lock
$pip install --no-deps --no-index /usr/lib/trygg/wheels/trygg_hub-*.whl
"$new/bin/trygg" --help >/dev/null

if test -e /opt/trygg && ! test -L /opt/trygg; then # an installation by hand
  mv /opt/trygg "/opt/trygg.before-$(date +%s)"
fi
old=$(readlink -f /opt/trygg || true)
ln -s "$new" /opt/trygg.new
mv -T /opt/trygg.new /opt/trygg
sync -f /opt

if test -d /run/systemd/system; then
  systemctl daemon-reload
  systemctl restart trygg-bonds.socket || true # with the hub it would start by itself; trygg check wants it before
  systemctl try-restart trygg.service || true
fi
case $old in /opt/trygg-*) rm -rf "$old" ;; esac
