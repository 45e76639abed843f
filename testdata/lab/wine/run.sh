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
	[ -z "${agent:-}" ] || kill "$agent" 2>/dev/null || true
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

# The agent: its demo serves pages and makes runs.
# await WHAT COMMAND...: up to three minutes
await() {
	for _ in $(seq 900); do
		if "${@:2}"; then
			echo "wine: $1"
			return
		fi
		sleep 0.2
	done
	cat "$work/agent"
	echo "wine: never came: $1"
	exit 1
}
windows agent run --demo >"$work/agent" 2>&1 &
agent=$!
served() { grep -q '^Open  http:' "$work/agent"; }
await "the agent serves" served
url=$(grep -o 'http://127[0-9.:]*' "$work/agent" | head -n 1)
ran() { [ "$(curl -s "$url/api/v1/targets" | grep -o '"status":"ok"' | wc -l)" -ge 2 ]; }
await "its targets are checked" ran
kill "$agent"
wait "$agent" 2>/dev/null || true

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
	at 2 'accepts Kerberos and no NTLM' 8444 --user svc-crm@contoso.lab --profile-auth negotiate

	# The logged-on user: wine's SSPI has no NTLM without winbind, and Kerberos
	# only with a ticket.
	unset EWSPROBE_PASSWORD
	export KRB5CCNAME=FILE:$work/none
	at 3 'SEC_E_SECPKG_NOT_FOUND' 8442 --current-user --profile-auth ntlm
	at 3 'SEC_E_NO_CREDENTIALS' 8444 --current-user --profile-auth negotiate
	KRB5CCNAME=FILE:$work/ticket
	if echo 'Passw0rd!good' | /usr/bin/python3 testdata/lab/wine/ticket.py svc-crm@CONTOSO.LAB "$KRB5CCNAME"; then
		at 2 'accepts Kerberos and no NTLM' 8444 --current-user --profile-auth negotiate
		at 0 'by Kerberos in Negotiate' 8466 --current-user --profile-auth negotiate
		at 2 'by Kerberos in Negotiate' 8463 --current-user --profile-auth negotiate # wine's Kerberos sends no channel binding
	else
		echo "wine: no ticket, so the logged-on user did not sign in"
	fi
else
	echo "wine: the laboratory is not up"
fi

# The rest is how Windows is used, against the stand-in.
go build -o "$work/ewsprobe" ./cmd/ewsprobe
"$work/ewsprobe" simulate --scenario basic-off >"$work/simulate" &
standin=$!
for _ in $(seq 300); do
	grep -q '^  ewsprobe check ' "$work/simulate" && break
	sleep 0.2
done
# It prints the arguments of a check that reaches it; none holds a blank.
read -ra arguments < <(sed -n 's/^  ewsprobe check //p' "$work/simulate")
expect 2 basic-disabled "${arguments[@]}"

# read_again FILE: it is a record of a check that was saved
read_again() {
	windows diagnose "$1" >"$work/out" || [ $? = 2 ]
	grep -q basic-disabled "$work/out"
	echo "wine: read again: ${1:0:60}"
}
same() {
	expect 2 basic-disabled --save "$1" "${arguments[@]}"
	read_again "$1"
}
deep=$(printf 'a-folder-with-a-name-of-forty-characters\\%.0s' 1 2 3 4 5 6 7 8)
mkdir -p "$WINEPREFIX/drive_c/${deep//\\//}" "$work/share" "$WINEPREFIX/dosdevices/unc/server"
ln -s "$work/share" "$WINEPREFIX/dosdevices/unc/server/share"
same "C:\\${deep}report.json"
same '\\server\share\report.json'
same 'C:\Grüße Ωmega.json'

# Files as PowerShell 5.1's > writes them: UTF-16 with a byte order mark and CRLF.
utf16() { sed 's/$/\r/' | iconv -t UTF-16 >"$work/$1"; }
unset EWSPROBE_PASSWORD
tr -d '\r' <"$work/share/report.json" | utf16 report.json
read_again "$work/report.json"
echo 'Passw0rd!good' | utf16 password
for ((i = 0; i < ${#arguments[@]}; i++)); do
	[ "${arguments[i]}" != --password-file ] || { file=$((i + 1)) && arguments[file]=$work/password; }
done
expect 2 'basic-disabled' --profile-auth basic "${arguments[@]}"

# Credential Manager, which keeps a password for the user.
windows secret set svc-crm@contoso.com --password-file "$work/password"
ring=("${arguments[@]:0:file-1}" --password-from-keyring "${arguments[@]:file+1}")
expect 0 'OK  ok' --profile-auth ntlm "${ring[@]}"
windows secret delete svc-crm@contoso.com
status=0
windows check --profile-auth ntlm "${ring[@]}" 2>/dev/null || status=$?
[ "$status" = 3 ]
echo "wine: a password that was deleted is not found"

# A command that a report prints, as cmd runs it: the name with its backslash arrives.
windows check "${arguments[@]}" --user 'CONTOSO\svc-crm' --no-credentials --format json >"$work/report.json" || true
printed=$(grep -o '"command": *"ewsprobe check [^}]*--profile-auth ntlm[^}]*' "$work/report.json" | head -n 1 | sed -E 's/^"command": *"ewsprobe (.*)"[^"]*$/\1/; s/",.*//; s/\\"/"/g; s/\\\\/\\/g')
printf '@Z:%s\\ewsprobe.exe %s --no-credentials --format json\r\n' "${work//\//\\}" "$printed" >"$work/printed.bat"
wine64 cmd /c "Z:${work//\//\\}\\printed.bat" >"$work/out" || true
grep -q '"user": *"CONTOSO\\\\svc-crm"' "$work/out"
echo "wine: a printed command runs in cmd: $printed"
