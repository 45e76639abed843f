#!/usr/bin/env bash
# The HTML that the program makes, in a real browser: page.mjs says what is
# looked at. With FILEs those, else reports of unlike scenarios of the stand-in
# and the manual, which has all guides.
#   page.sh [FILE...]
# Needs Chromium, Node.js (18 or later) and npm, which gets two packages. On
# Debian as root what is missing is installed. SHOTS=FOLDER keeps pictures.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${PROGRAM:-$here/../../ewsprobe}

# What is no fault of the pages: .ci/run takes it for a skip.
impossible() {
	printf 'page: %s\n' "$*" >&2
	exit 75
}

work=$(mktemp -d)
played=
trap '[ -z "$played" ] || kill "$played" 2>/dev/null; rm -rf "$work"' EXIT

missing=
command -v chromium >/dev/null || missing="$missing chromium fonts-dejavu-core"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || impossible "missing:$missing"
	echo "page: installing$missing"
	# shellcheck disable=SC2086 # words
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } >"$work/apt" 2>&1 ||
		impossible "apt-get cannot install$missing: $(grep -E '^E:' "$work/apt" | tail -n 1)"
fi
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || impossible "Node.js $(node --version) is too old"
cmp -s "$here/package-lock.json" "$here/node_modules/.of" || {
	npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund >"$work/npm" 2>&1 || {
		# A registry that cannot be reached is no fault; other bytes than pinned are.
		grep -qE 'ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET|E(403|404|502|503)' "$work/npm" && impossible "npm cannot reach its registry: $(grep -m 1 -E 'code|network' "$work/npm")"
		cat "$work/npm" >&2
		exit 1
	}
	cp "$here/package-lock.json" "$here/node_modules/.of"
}
CHROMIUM=$(command -v chromium)
export CHROMIUM
[ -z "${SHOTS:-}" ] || mkdir -p "$SHOTS"

# report NAME SCENARIO [FLAG...]: plays a scenario and saves what its check says,
# or its batch if the name is batch.
report() {
	local name=$1 scenario=$2 command=check line
	shift 2
	[ "$name" != batch ] || command=batch
	rm -f "$work/played" # or what the last one printed could be read once more
	"$program" simulate --scenario "$scenario" >"$work/played" &
	played=$!
	until line=$(grep -os "ewsprobe $command .*" "$work/played"); do sleep 0.05; done
	if [ $command = batch ]; then
		# Fewer than what makes this server throttle.
		head -n 80 "${line##* }" >"$work/mailboxes.csv"
		line="${line% *} $work/mailboxes.csv"
	fi
	# The line quotes an argument where a shell has to.
	eval "set -- \"\$@\" ${line#"ewsprobe $command"}"
	XDG_STATE_HOME=$work/state "$program" $command --save "$work/$name.html" "$@" >/dev/null || [ -s "$work/$name.html" ]
	kill -INT "$played"
	wait "$played" || true
	played=
	rm -rf "$work/state"
	pages+=("$work/$name.html")
}

# agent plays the demo of the agent, whose pages are looked at while it runs.
agent() {
	local url
	"$program" agent run --demo >"$work/agent" 2>&1 &
	played=$!
	until url=$(grep -o 'http://127[^ ]*/' "$work/agent"); do sleep 0.05; done
	pages+=("$url")
}

pages=("$@")
if [ $# -eq 0 ]; then
	report ok basic-on
	report basic-off basic-off
	report redacted ep-bridged --redact
	report two-nodes farm
	report untrusted untrusted-certificate
	report cloud cloud-ruled-out
	report autodiscover autodiscover-unknown
	report profile profile-user-recreated
	report refused explain-locked
	report batch many-mailboxes
	for guide in first-check what-is-sent manual; do
		"$program" explain --format html "$guide" >"$work/$guide.html"
		pages+=("$work/$guide.html")
	done
	agent
fi
node "$here/page.mjs" "${pages[@]}"
