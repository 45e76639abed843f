#!/usr/bin/env bash
# The agent among genuine partners, from Debian's packages: Prometheus scrapes it over
# TLS and a rule of `agent rules` fires, Alertmanager routes the alert by site, an SMTP
# server takes mail over STARTTLS from a user, a web hook takes JSON. What Prometheus
# and Alertmanager are told are the recipes of the guide `agent`; only addresses and
# times are others. Exit code 75: not possible here, and why.
set -euo pipefail
cd "$(dirname "$0")/../.."

impossible() {
	printf 'partners: %s\n' "$*" >&2
	exit 75
}

missing=
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing="$missing prometheus"
command -v prometheus-alertmanager >/dev/null || missing="$missing prometheus-alertmanager"
/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null || missing="$missing python3-aiosmtpd"
command -v openssl >/dev/null || missing="$missing openssl"
command -v curl >/dev/null || missing="$missing curl"
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || impossible "missing:$missing"
	echo "partners: installing$missing"
	# Debian starts services as it installs them; here it must not.
	policy=/usr/sbin/policy-rc.d made=
	[ -e $policy ] || { made=1 && printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy; }
	done=0
	# shellcheck disable=SC2086 # words
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } >/dev/null 2>&1 || done=$?
	[ -z "$made" ] || rm -f $policy
	[ $done = 0 ] || impossible "apt-get cannot install$missing"
fi

work=$(mktemp -d)
started=()
# shellcheck disable=SC2329 # called by trap
end() {
	local status=$?
	[ $status = 0 ] || tail -n 5 "$work"/*.log >&2
	[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap end EXIT
start() { # start NAME COMMAND...
	"${@:2}" >"$work/$1.log" 2>&1 &
	started+=($!)
}
await() { # await WHAT COMMAND...: up to two minutes
	for _ in $(seq 600); do
		if "${@:2}" >/dev/null 2>&1; then
			echo "partners: $1"
			return
		fi
		sleep 0.2
	done
	echo "partners: never came: $1" >&2
	exit 1
}
# Free ports below those that the system gives to connections, which could take one
# before its server does.
ports() {
	/usr/bin/python3 - <<'P'
import random, socket
held = []
for port in random.sample(range(10000, 30000), 100):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
        held.append(s)
    except OSError:
        pass
print(*(s.getsockname()[1] for s in held[:4]))
P
}
# recipe BEGIN: the code block of the guide behind the paragraph that begins so
recipe() {
	BEGIN=$1 /usr/bin/python3 - probe/guide/text/agent.md <<'P'
import os, sys
_, found, rest = open(sys.argv[1], encoding="utf-8").read().partition("\n" + os.environ["BEGIN"])
assert found, os.environ["BEGIN"]
for line in rest.partition("\n\n")[2].splitlines():
    if line and not line.startswith("    "):
        break
    print(line[4:])
P
}

go build -o "$work/ewsprobe" ./cmd/ewsprobe
export XDG_STATE_HOME=$work/state
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$work/agent.key" -out "$work/agent.crt" 2>/dev/null
cp "$work/agent.crt" "$work/ewsprobe-ca.pem"
printf 'Pr0m!secret' >"$work/ewsprobe-password.txt"

# The far ends: EWS without Basic, mail and web hooks.
start simulate "$work/ewsprobe" simulate --scenario basic-off
read -r smtp agent metrics alerts < <(ports)
agent=127.0.0.1:$agent metrics=127.0.0.1:$metrics alerts=127.0.0.1:$alerts
start listener /usr/bin/python3 testdata/partners/listener.py "$work" "$work/agent.crt" "$work/agent.key" "$smtp"
await "mail and web hooks listen" test -e "$work/port"
await "EWS listens" grep -q '^  ewsprobe check ' "$work/simulate.log"
hooks=$(cat "$work/port")
ews() { sed -n 's/^  ewsprobe check //p' "$work/simulate.log" | grep -oP -- "(?<=--$1 )\S+"; }

printf 'Sm7p!secret' >"$work/smtp.txt"
echo "http://127.0.0.1:$hooks/agent" >"$work/hook.txt"
hash=$(/usr/bin/python3 -W ignore -c 'import crypt; print(crypt.crypt("Pr0m!secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1024)))')
cat >"$work/web.yml" <<C
tls_server_config: {cert_file: agent.crt, key_file: agent.key}
basic_auth_users: {prometheus: "$hash"}
C
cat >"$work/agent.yaml" <<C
listen: $agent
web_config: web.yml
storage: history
targets:
  - name: mail-inside
    target: https://mail.contoso.com/EWS/Exchange.asmx
    address: ["$(ews address)"]
    ca_file: $(ews ca-file)
    user: $(ews user)
    password_file: $(ews password-file)
    labels: {site: fra}
    interval: 2s
    anonymous_interval: 1s
notify:
  - name: ops
    email: {smarthost: "127.0.0.1:$smtp", from: ewsprobe@contoso.com, to: [ops@contoso.com], user: probe, password_file: smtp.txt, ca_file: agent.crt}
  - name: hook
    webhook: {url_file: hook.txt}
C
"$work/ewsprobe" agent validate --config "$work/agent.yaml"
start agent "$work/ewsprobe" agent run --config "$work/agent.yaml"
agent_pid=${started[-1]}

# Prometheus and Alertmanager, as the guide has it.
"$work/ewsprobe" agent rules >"$work/ewsprobe-rules.yml"
echo "partners: promtool:$(promtool check rules "$work/ewsprobe-rules.yml" | grep SUCCESS)"
sed -i 's/for: .*/for: 0s/' "$work/ewsprobe-rules.yml"
recipe 'Use Prometheus to combine them' >"$work/as-it-stands.yml"
promtool check config "$work/as-it-stands.yml" >/dev/null
recipe 'The file ewsprobe-agents.json is' >"$work/ewsprobe-agents.json"
{
	grep -v 'static_configs: *$\|targets: \["agent-' "$work/as-it-stands.yml" | sed '/tls_config/q'
	recipe 'Or with a list in a file' | sed 's/^/  /'
} >"$work/from-a-file.yml"
promtool check config "$work/from-a-file.yml" >/dev/null
{
	echo 'global: {scrape_interval: 1s, evaluation_interval: 1s}'
	sed "s/\"agent-fra.contoso.com:9719\", \"agent-dmz.contoso.com:9719\"/\"$agent\"/; s/127.0.0.1:9093/$alerts/" "$work/as-it-stands.yml"
} >"$work/prometheus.yml"
recipe 'To route alerts by site' >"$work/alertmanager.yml"
sed -i "s/:9999/:$hooks/; s/group_by: .*/&\n  group_wait: 1s/" "$work/alertmanager.yml"
start alertmanager prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$work/alerts" --web.listen-address="$alerts" --cluster.listen-address=
start prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="$metrics"

await "the mail arrives, over TLS" grep -qx 'TO ops@contoso.com TLS True' "$work/mails"
await "it says what is wrong" grep -q '^Subject: \[ewsprobe\] CRITICAL mail-inside: ' "$work/mails"
await "the web hook is called" grep -q '"path": "/agent", "body": {"schema": "ewsprobe/notification/1", "kind": "problem", "target": "mail-inside"' "$work/hooks"
await "Prometheus scrapes the agent" sh -c "curl -sf 'http://$metrics/api/v1/query?query=ewsprobe_target_status' | grep -q '\"target\":\"mail-inside\"'"
await "the alert is routed to its site" sh -c "grep '\"path\": \"/frankfurt\"' '$work/hooks' | grep -q '\"alertname\": \"EwsBasicDisabled\"'"
curl -sf --cacert "$work/agent.crt" -u "prometheus:Pr0m!secret" "https://$agent/metrics" >"$work/metrics"
promtool check metrics <"$work/metrics"
echo "partners: promtool has nothing to say about $(grep -vc '^#' "$work/metrics") samples"
if grep -q 'Sm7p!secret\|Pr0m!secret' "$work/metrics" "$work/agent.log" || grep -qF "$(cat "$work/hook.txt")" "$work/metrics" "$work/agent.log"; then
	echo "partners: a secret is in the metrics or the log" >&2
	exit 1
fi
for name in mails hooks; do
	told=$(grep -c '^Subject: \|"path": "/agent"' "$work/$name")
	[ "$told" = 1 ] || { echo "partners: $told notifications in $name, one was due" >&2; exit 1; }
done
kill "$agent_pid"
gone=0
wait "$agent_pid" || gone=$?
[ $gone = 0 ] || { echo "partners: the agent ended with $gone" >&2; exit 1; }
echo "partners: the agent ends with exit code 0"
