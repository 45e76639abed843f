#!/usr/bin/env bash
# The laboratory: genuine servers on loopback, see README.md.
#   lab.sh up       installs what is missing, starts everything, returns
#   lab.sh install  only installs
#   lab.sh down     stops it and takes back what it changed, packages apart
#   lab.sh purge    down, and removes the packages that up installed
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export STATE=/run/ewsprobe-lab # everything the laboratory writes
export TDB_NO_FSYNC=1          # the domain need not outlive the machine
lock=/run/ewsprobe-lab.lock    # held by the daemons, so it ends with the last
pipe=/run/samba/winbindd       # libwbclient knows no other place
kept=/var/lib/ewsprobe-lab     # what stays for the next time, until purge

packages=(
	samba samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba # the domain
	apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp haproxy                  # the front ends
	python3-gssapi python3-ldap3 openssl ca-certificates                        # the bridge, the certificates
)

say() { printf 'lab: %s\n' "$*"; }
die() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# What is no fault of the laboratory: .ci/run takes it for a skip.
impossible() {
	printf 'lab: %s\n' "$*" >&2
	exit 75
}

# A mirror that cannot be reached is no fault; apt-get update hides that it could not.
apt_failed() {
	if grep -qE 'Could not resolve|Could not connect|Failed to fetch|Unable to fetch' "$STATE/log/apt"; then
		impossible "$1: the mirror of the packages cannot be reached, see $STATE/log/apt"
	fi
	die "$1, see $STATE/log/apt"
}

# Debian starts services as it installs them; here it must not.
install_packages() {
	local missing=() before after policy=/usr/sbin/policy-rc.d made=
	for p in "${packages[@]}"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && [ -x "$(winbind)/usr/sbin/winbindd" ] && return
	say "installing ${missing[*]:-nothing}, unpacking winbind"
	apt-get update -q >"$STATE/log/apt" 2>&1 || apt_failed "apt-get update failed"
	if [ ${#missing[@]} -gt 0 ]; then
		before=$(dpkg-query -W -f '${Package}\n' | sort)
		if [ ! -e $policy ]; then
			made=1
			printf '#!/bin/sh\nexit 101\n' >$policy
			chmod +x $policy
		fi
		DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "${missing[@]}" >>"$STATE/log/apt" 2>&1 ||
			{ [ -z "$made" ] || rm -f $policy; apt_failed "apt-get install failed"; }
		[ -z "$made" ] || rm -f $policy
		after=$(dpkg-query -W -f '${Package}\n' | sort)
		mkdir -p "$kept"
		comm -13 <(echo "$before") <(echo "$after") >>"$kept/packages"
	fi
	# winbindd is only unpacked: installed, it would be a service of this machine.
	if [ ! -x "$(winbind)/usr/sbin/winbindd" ]; then
		mkdir -p "$(winbind)"
		(cd "$kept" && apt-get download -q winbind="$(samba_version)" && dpkg -x winbind_*.deb "$(winbind)" && rm winbind_*.deb) >>"$STATE/log/apt" 2>&1 ||
			apt_failed "winbind cannot be fetched"
	fi
}

samba_version() { dpkg-query -W -f '${Version}' samba-libs 2>/dev/null || true; }
winbind() { echo "$kept/winbind-$(samba_version | tr : _)"; } # in a search path a colon would part it

# start NAME COMMAND...: a daemon in a process group of its own
start() {
	local name=$1
	shift
	setsid "$@" >"$STATE/log/$name" 2>&1 </dev/null &
	echo "$! $(started $!)" >"$STATE/pids/$name"
}

# When a process began, which tells it from a later one of the same number.
started() { { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null || true; } | cut -d' ' -f20; }

# wait_for WHAT COMMAND...: up to two minutes, while all daemons live
wait_for() {
	local what=$1 file pid _
	shift
	for _ in $(seq 600); do
		if "$@" >/dev/null 2>&1; then return; fi
		for file in "$STATE"/pids/*; do
			read -r pid _ <"$file"
			kill -0 "$pid" 2>/dev/null || die "${file##*/} ended, see $STATE/log"
		done
		sleep 0.2
	done
	die "$what did not come up, see $STATE/log"
}

port_open() { (: <"/dev/tcp/$1/$2") 2>/dev/null; }

provision() {
	samba-tool domain provision --realm=CONTOSO.LAB --domain=CONTOSO --host-name=dc1 --host-ip=127.0.0.10 \
		--server-role=dc --dns-backend=NONE --adminpass='Adm1n!secret9' --targetdir="$STATE/ad" \
		--option='interfaces=127.0.0.10/8' --option='bind interfaces only=yes' --option='vfs objects=' \
		>"$STATE/log/provision" 2>&1 || die "provisioning failed, see $STATE/log/provision"
	sed "s|@STATE@|$STATE|g" "$here/smb.conf" >"$STATE/ad/etc/smb.conf"
	mkdir -p "$STATE/ad/run"
	/usr/bin/python3 "$here/accounts.py" create >"$STATE/log/accounts" 2>&1 || die "the accounts failed, see $STATE/log/accounts"
}

failed() {
	local status=$?
	[ $status -eq 0 ] && return
	stop_all
	say "did not start; the logs are in $STATE/log"
	exit $status
}

prepare() {
	[ "$(id -u)" = 0 ] || impossible "needs root: ports below 1024, $pipe, apt"
	grep -q '^VERSION_CODENAME=bookworm$' /etc/os-release || impossible "needs Debian 12 and its packages"
	exec 9>"$lock"
	flock -n 9 || impossible "is already running here; lab.sh down stops it"
	[ ! -S $pipe/pipe ] || impossible "$pipe/pipe exists: this machine's own winbindd seems to run, and both cannot"
	rm -rf "$STATE"
	mkdir -p "$STATE/log" "$STATE/pids"
	chmod 755 "$STATE"
	install_packages
}

up() {
	prepare
	trap failed EXIT
	export KRB5_CONFIG=$here/krb5.conf KRB5_KTNAME=$STATE/http.keytab
	bash "$here/pki.sh" "$STATE/pki"
	provision

	: >"$STATE/made"
	for d in "${pipe%/*}" $pipe; do [ -d "$d" ] || { mkdir "$d" && echo "$d" >>"$STATE/made"; }; done
	start samba samba -s "$STATE/ad/etc/smb.conf" -i -M standard
	wait_for "Samba's LDAPS" port_open 127.0.0.10 636
	LD_LIBRARY_PATH=$(printf '%s:' "$(winbind)"/usr/lib/*/samba) start winbindd "$(winbind)/usr/sbin/winbindd" --option='server role check:inhibit=yes' --foreground --no-process-group --configfile="$STATE/ad/etc/smb.conf"
	wait_for winbindd test -S $pipe/pipe
	# Apache's children, which are www-data, ask the privileged pipe.
	wait_for "winbindd's privileged pipe" test -S "$STATE/ad/state/winbindd_privileged/pipe"
	chgrp www-data "$STATE/ad/state/winbindd_privileged"
	chmod 750 "$STATE/ad/state/winbindd_privileged"
	chmod a+x "$STATE/ad" "$STATE/ad/state"
	chgrp www-data "$STATE/http.keytab"
	chmod 640 "$STATE/http.keytab"

	start bridge /usr/bin/python3 "$here/bridge.py"
	start apache /usr/sbin/apache2 -f "$here/apache.conf" -DFOREGROUND
	start haproxy haproxy -db -f "$here/haproxy.cfg"
	wait_for "the bridge" port_open 127.0.0.20 8461
	wait_for Apache port_open 127.0.0.20 8441
	wait_for HAProxy port_open 127.0.0.20 8471
	/usr/bin/python3 "$here/accounts.py" tickets >"$STATE/log/tickets" 2>&1 || die "no Kerberos tickets, see $STATE/log/tickets"
	wait_for "a bad password's refusal" /usr/bin/python3 "$here/accounts.py" lock svc-locked
	say "is up; certificates in $STATE/pki, endpoints in testdata/lab/README.md"
}

# Each daemon's group of processes is asked, then killed; one that has come to
# the number since is left alone.
stop_all() {
	local file pid since groups=()
	for file in "$STATE"/pids/*; do
		[ -e "$file" ] || continue
		read -r pid since <"$file"
		[ "$since" != "$(started "$pid")" ] || groups+=("$pid")
		rm "$file"
	done
	for pid in "${groups[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
	[ ${#groups[@]} -eq 0 ] || for _ in $(seq 50); do
		for pid in "${groups[@]}"; do kill -0 -- "-$pid" 2>/dev/null && break; done || break
		sleep 0.1
	done
	for pid in "${groups[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
	if [ -e "$STATE/made" ]; then
		rm -f $pipe/pipe
		tac "$STATE/made" | xargs -r rmdir --ignore-fail-on-non-empty
		rm -f "$STATE/made"
	fi
}

down() {
	[ "$(id -u)" = 0 ] || die "needs root"
	[ -d "$STATE" ] || { say "is not running"; return; }
	stop_all
	rm -rf "$STATE" "$lock"
	say "is down"
	[ ! -s "$kept/packages" ] || say "installed packages stay; 'make lab-purge' removes them"
}

purge() {
	down
	if [ -s "$kept/packages" ]; then
		local others
		others=$(comm -13 <(sort "$kept/packages") <(xargs apt-get -s purge <"$kept/packages" | awk '$1 == "Purg" || $1 == "Remv" { print $2 }' | sort))
		[ -z "$others" ] || die "other packages have come to need those of the laboratory: ${others//$'\n'/ }"
		xargs apt-get purge -qy <"$kept/packages"
	fi
	rm -rf "$kept"
}

case "${1:-}" in
up | down | purge) "$1" ;;
install) prepare ;;
*) die "usage: lab.sh up|install|down|purge" ;;
esac
