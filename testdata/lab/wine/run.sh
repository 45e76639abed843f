#!/usr/bin/env bash
# The Windows program under Debian's wine: the demo, then checks against the
# laboratory if it is up, else against the stand-in. Says in one line why not.
set -euo pipefail
cd "$(dirname "$0")/../../.."

skip() {
	echo "wine: skipped: $*"
	exit 0
}

export PATH=$PATH:/usr/lib/wine
if ! command -v wine64 >/dev/null || ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
	if [ "$(id -u)" != 0 ]; then skip "wine64 and gcc-mingw-w64-x86-64 are missing, and apt-get needs root"; fi
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends wine64 gcc-mingw-w64-x86-64; } >/dev/null 2>&1 ||
		skip "wine64 and gcc-mingw-w64-x86-64 cannot be installed"
fi

work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES='bcryptprimitives=n;mscoree,mshtml=;winemenubuilder.exe=d'
# shellcheck disable=SC2329 # called by trap
end() {
	[ -z "${standin:-}" ] || kill "$standin" 2>/dev/null || true
	wineserver -k 2>/dev/null || "$(dirname "$(command -v wine64)")/wineserver64" -k 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT

CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go build -o "$work/ewsprobe.exe" ./cmd/ewsprobe
wine64 wineboot --init >"$work/wineboot" 2>&1 || {
	cat "$work/wineboot"
	exit 1
}
x86_64-w64-mingw32-gcc -O2 -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" testdata/lab/wine/bcryptprimitives.c -ladvapi32
windows() { wine64 "$work/ewsprobe.exe" "$@"; }

echo "wine: $(windows version)"
windows demo

export EWSPROBE_PASSWORD='Passw0rd!good'
# expect STATUS TEXT ARGUMENT...: a check's exit code and first line
expect() {
	local status=$1 text=$2 got=0
	shift 2
	windows check --retry-refused "$@" >"$work/out" || got=$?
	if [ "$got" != "$status" ] || ! head -n 1 "$work/out" | grep -q "$text"; then
		cat "$work/out"
		echo "wine: exit code $got, expected $status and $text"
		exit 1
	fi
	echo "wine: $(head -n 1 "$work/out" | cut -c 1-100)"
}

if [ -e /run/ewsprobe-lab/pids/bridge ]; then
	lab() { expect "$1" "$2" --ca-file /run/ewsprobe-lab/pki/ca.pem --user svc-crm@contoso.lab --address 127.0.0.20 --profile-auth "$3" "https://mail.contoso.lab:$4/EWS/Exchange.asmx"; }
	lab 0 'OK  ok' basic 8441
	lab 2 basic-disabled basic 8442
	lab 0 'OK  ok' ntlm 8463
	lab 2 extended-protection ntlm 8471
	lab 2 tls-untrusted basic 8453

	# Why an account is refused, and a ticket got with the password. The names of
	# the laboratory do not resolve, so the domain controller goes by its address.
	at() { expect "$1" "$2" --ca-file /run/ewsprobe-lab/pki/ca.pem --address 127.0.0.20 "${@:4}" "https://mail.contoso.lab:$3/EWS/Exchange.asmx"; }
	export KRB5_CONFIG=$PWD/testdata/lab/krb5.conf
	at 2 'account disabled' 8441 --user svc-disabled@contoso.lab --explain-rejection --dc 127.0.0.10
	at 2 'takes Kerberos and no NTLM' 8444 --user svc-crm@contoso.lab --profile-auth negotiate

	# The logged-on user: wine's SSPI has no NTLM without winbind, and Kerberos
	# only with a ticket.
	unset EWSPROBE_PASSWORD
	export KRB5CCNAME=FILE:$work/none
	at 3 'SEC_E_SECPKG_NOT_FOUND' 8442 --current-user --profile-auth ntlm
	at 3 'SEC_E_NO_CREDENTIALS' 8444 --current-user --profile-auth negotiate
	KRB5CCNAME=FILE:$work/ticket
	if echo 'Passw0rd!good' | /usr/bin/python3 testdata/lab/wine/ticket.py svc-crm@CONTOSO.LAB "$KRB5CCNAME"; then
		at 2 'takes Kerberos and no NTLM' 8444 --current-user --profile-auth negotiate
		at 0 'by Kerberos in Negotiate' 8466 --current-user --profile-auth negotiate
		at 2 'by Kerberos in Negotiate' 8463 --current-user --profile-auth negotiate # wine's Kerberos sends no channel binding
	else
		echo "wine: no ticket, so the logged-on user did not sign in"
	fi
else
	echo "wine: the laboratory is not up, the stand-in serves"
	go build -o "$work/ewsprobe" ./cmd/ewsprobe
	"$work/ewsprobe" simulate --scenario basic-off >"$work/simulate" &
	standin=$!
	for _ in $(seq 50); do
		grep -q '^  ewsprobe check ' "$work/simulate" && break
		sleep 0.2
	done
	# It prints the arguments of a check that reaches it; none holds a blank.
	read -ra arguments < <(sed -n 's/^  ewsprobe check //p' "$work/simulate")
	expect 2 basic-disabled "${arguments[@]}"
fi
