#!/bin/sh
# The first and only program of the virtual machine: brings up the message bus, then does what the other end of the
# second console says: a number and a command in base64 a line, answered by the number, the exit status and the output.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs tmp
# Modules of the list that this kernel has built in are no error.
while read -r module; do modprobe -q "$module"; done </etc/modules

ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0

# Files of the host, for programs of ours that run here.
mkdir -p /mnt/tree /mnt/packages /run/dbus /var/lib/bluetooth
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose tree /mnt/tree
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose packages /mnt/packages
export PYTHONPATH=/mnt/tree:/mnt/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

dbus-uuidgen --ensure
dbus-daemon --system --fork
# The host's programs come in over the network, each as the user that it is there: the bus asks who they are.
user=$(sed -n 's/.*trygg\.user=\([0-9]*\).*/\1/p' /proc/cmdline)
setsid setpriv --reuid="$user" --clear-groups \
  socat TCP-LISTEN:7001,fork,reuseaddr,nodelay UNIX-CONNECT:/run/dbus/system_bus_socket >/run/socat.log 2>&1 &

exec 3<>/dev/hvc1
stty raw -echo <&3 # while it is open: a closed console forgets
echo ready >&3
while read -r number line <&3; do
  printf %s "$line" | base64 -d >/run/command
  output=$(sh /run/command </dev/null 2>&1 3>&-)
  status=$?
  printf '%s %s %s\n' "$number" "$status" "$(printf %s "$output" | base64 -w 0)" >&3
done
