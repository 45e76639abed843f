#!/usr/bin/env bash
# What `make release` builds, opened, installed, upgraded and removed with other
# tools: `make test-release`. On Debian 12 as root it installs what it needs;
# packages are tried in a copy of the running system that is thrown away.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'release: %s\n' "$*"; }
die() {
	say "$*" >&2
	exit 1
}
# What is no fault of the packages: .ci/run takes it for a skip.
impossible() {
	say "$*" >&2
	exit 75
}

work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES='bcryptprimitives=n;mscoree,mshtml=;winemenubuilder.exe=d' PATH=$PATH:/usr/lib/wine
# shellcheck disable=SC2329 # called by trap
end() {
	[ ! -d "$WINEPREFIX" ] || wineserver -k 2>/dev/null || "$(dirname "$(command -v wine64)")/wineserver64" -k 2>/dev/null || true
	umount "$work"/system/* "$work/system" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT

[ "$(id -u)" = 0 ] || impossible "packages are tried as root"
grep -q '^VERSION_ID="12"' /etc/os-release || impossible "packages are tried on Debian 12"
packages=(wixl msitools faketime zip minisign lintian rpm icoutils jq python3-minimal wine64 gcc-mingw-w64-x86-64)
dpkg -s "${packages[@]}" >/dev/null 2>&1 || {
	say "installing what is missing of: ${packages[*]}"
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"; } >"$work/apt" 2>&1 ||
		impossible "apt-get cannot install them: $(grep -E '^E:' "$work/apt" | tail -n 1)"
}

say "two builds, the second of a copy in another folder"
minisign -G -W -f -p "$work/key.pub" -s "$work/key" >/dev/null
export KEY=$work/key COMMIT SOURCE_DATE_EPOCH
COMMIT=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
new=$work/new
DIST=$new bash .ci/release.sh
mkdir "$work/copy"
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c | tar -xC "$work/copy"
DIST=$work/again bash "$work/copy/.ci/release.sh" >/dev/null
diff -rq "$new" "$work/again"
say "one program compiled from nothing"
GOCACHE=$work/cache ONLY=oci ARCHS=amd64 DIST=$work/cold bash "$work/copy/.ci/release.sh" >/dev/null
rm -rf "$work/cache"
version=$(cd "$new" && echo ewsprobe-*-windows-amd64.msi | sed 's/^ewsprobe-//; s/-windows.*//')
cmp "$new/ewsprobe-$version-linux-amd64.oci.tar" "$work/cold/ewsprobe-$version-linux-amd64.oci.tar"

say "sums and signature"
(cd "$new" && sha256sum --quiet --check SHA256SUMS)
[ "$(wc -l <"$new/SHA256SUMS")" = "$(find "$new" -type f ! -name 'SHA256SUMS*' | wc -l)" ]
minisign -V -q -p "$work/key.pub" -m "$new/SHA256SUMS"
sed '1s/./0/; 2s/./1/' "$new/SHA256SUMS" >"$work/forged"
if minisign -V -q -p "$work/key.pub" -m "$work/forged" -x "$new/SHA256SUMS.minisig" 2>/dev/null; then die "a forged list of sums passes"; fi

# is VERSION COMMAND...: the program says that it is this version of this commit
is() {
	local want=$1 got
	shift
	got=$("$@" version --json | tr -d '\r')
	jq -e --arg v "$want" --arg c "$COMMIT" --arg d "$(date -ud "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" \
		'.version == $v and .commit == $c and .date == $d' <<<"$got" >/dev/null || die "$*: $got"
}

say "archives"
mkdir "$work/tar" "$work/zip"
tar -xzf "$new/ewsprobe-$version-linux-amd64.tar.gz" -C "$work/tar" --strip-components 1
is "$version" "$work/tar/ewsprobe"
for f in "$new"/*-darwin-*.tar.gz "$new"/*-linux-arm64.tar.gz; do tar -tzf "$f" "ewsprobe-$version/ewsprobe" >/dev/null; done
python3 -m zipfile -e "$new/ewsprobe-$version-windows-amd64.zip" "$work/zip"
wrestool -l "$work/zip/ewsprobe.exe" | grep group_icon >/dev/null
wrestool -x --raw -t 16 "$work/zip/ewsprobe.exe" | tr -d '\0' | grep -a "ProductVersion.*$version" >/dev/null
wrestool -x --raw -t 24 "$work/zip/ewsprobe.exe" | grep longPathAware >/dev/null

say "lists of parts"
for os in windows linux darwin; do
	case $os in windows) program=$work/zip/ewsprobe.exe ;; *) program=$work/tar/ewsprobe ;; esac
	jq -r '.components[] | .name' "$new/ewsprobe-$version-$os.cdx.json" | sort >"$work/parts"
	[ "$os" = darwin ] || diff <(go version -m "$program" | awk '$1 == "dep" { print $2 }' | sort) "$work/parts"
	jq -e 'all(.components[]; .evidence.licenses | length > 0)' "$new/ewsprobe-$version-$os.cdx.json" >/dev/null || die "a part of $os has no licence"
	while read -r part; do grep -qF "== $part " "$work/zip/THIRD-PARTY-LICENSES.txt" || die "no licence of $part is handed out"; done <"$work/parts"
done

say "manifests"
jq -e --arg v "$version" '.version == $v and (.architecture["64bit"].hash | test("^[0-9a-f]{64}$"))' "$new/manifests/ewsprobe.json" >/dev/null
for f in "$new"/manifests/*; do
	while read -r sum; do grep -q "^$sum " "$new/SHA256SUMS" || die "${f##*/} names a sum of no file"; done < <(grep -oE '\b[0-9a-f]{64}\b' "$f")
	while read -r name; do grep -q " $name\$" "$new/SHA256SUMS" || die "${f##*/} names $name, which is not there"; done < <(grep -oE "/ewsprobe-$version[^\"/]*(zip|gz|msi)" "$f" | tr -d /)
done

say "image"
image=$work/image
for arch in arm64 amd64; do
	rm -rf "$image"
	mkdir -p "$image/root"
	tar -xf "$new/ewsprobe-$version-linux-$arch.oci.tar" -C "$image"
	for f in "$image"/blobs/sha256/*; do [ "$(sha256sum "$f" | cut -d ' ' -f 1)" = "${f##*/}" ] || die "$f is not what its name says"; done
	blob() { echo "$image/blobs/${1/://}"; }
	manifest=$(blob "$(jq -r '.manifests[0].digest' "$image/index.json")")
	config=$(blob "$(jq -r .config.digest "$manifest")")
	layer=$(blob "$(jq -r '.layers[0].digest' "$manifest")")
	[ "$(jq -r '.[0].Config, .[0].Layers[0]' "$image/manifest.json")" = "${config#"$image/"}
${layer#"$image/"}" ] || die "docker load would take something else"
	[ "$(jq -r '.architecture, .rootfs.diff_ids[0]' "$config")" = "$arch
sha256:${layer##*/}" ] || die "the configuration names another layer"
	[ "$(tar -tf "$layer" | grep -v '/$')" = ewsprobe ] || die "the image holds more than one file"
done
tar -xf "$layer" -C "$image/root"
mkdir "$image/root/dev" && mknod -m 666 "$image/root/dev/null" c 1 3 # as every runtime does
user=$(jq -r .config.User "$config")
[ "${user%%:*}" -gt 0 ]
mapfile -t inside < <(jq -r '.config.Env[]' "$config")
inside=(env -i "${inside[@]}" "$(command -v chroot)" --userspec="$user" "$image/root")
is "$version" "${inside[@]}" /ewsprobe
"${inside[@]}" /ewsprobe demo >"$work/demo" || { cat "$work/demo" && die "the demo fails in the image"; }
# What runs without arguments is the agent, and the health check asks it.
mkdir -p "$image/root/etc/ewsprobe"
printf 'listen: 127.0.0.1:9729\ntargets:\n  - {name: nobody, target: "127.0.0.1:9", no_credentials: true, interval: 1h}\n' >"$image/root/etc/ewsprobe/agent.yaml"
mapfile -t run < <(jq -r '.config | .Entrypoint[], .Cmd[]' "$config")
mapfile -t health < <(jq -r '.config.Healthcheck.Test[1:][]' "$config")
if "${inside[@]}" "${health[@]}" >/dev/null 2>&1; then die "healthy without an agent"; fi
"${inside[@]}" "${run[@]}" 2>"$work/agent" &
agent=$!
for _ in $(seq 100); do
	! "${inside[@]}" "${health[@]}" >/dev/null 2>&1 || break
	sleep 0.2
done
"${inside[@]}" "${health[@]}" >/dev/null || { cat "$work/agent" && die "the agent in the image is not healthy"; }
kill $agent
wait $agent

say "the release before"
old=$work/old
ONLY="msi deb rpm" ARCHS=amd64 VERSION=0.0.9 DIST=$old bash .ci/release.sh >/dev/null

say "deb: lintian"
lintian --fail-on error --tag-display-limit 0 --allow-root "$new/ewsprobe_${version}_amd64.deb"
system=$work/system
mkdir "$system"
mount -t tmpfs none "$system"
mkdir "$system/changed" "$system/work" "$system/root"
mount -t overlay none -o "lowerdir=/,upperdir=$system/changed,workdir=$system/work" "$system/root" ||
	impossible "no copy of the system can be made: this kernel or container allows no overlay"
cp "$old"/*.deb "$old"/*.rpm "$new"/*amd64.deb "$new"/*x86_64.rpm "$system/root/mnt"
there() { chroot "$system/root" "$@"; }

say "deb: install, upgrade, remove, purge"
there dpkg -i "/mnt/ewsprobe_0.0.9_amd64.deb" >"$work/dpkg"
is 0.0.9 there ewsprobe
there dpkg -i "/mnt/ewsprobe_${version}_amd64.deb" >>"$work/dpkg"
is "$version" there ewsprobe
there dpkg -V ewsprobe
there test -s /usr/share/man/man1/ewsprobe.1.gz -a -s /usr/share/bash-completion/completions/ewsprobe -a -s /lib/systemd/system/ewsprobe.service
[ -z "$(find "$system/changed/etc/systemd" -name 'ewsprobe*' 2>/dev/null)" ] || die "the agent is enabled"
mkdir -p "$system/root/var/lib/private/ewsprobe"
touch "$system/root/etc/ewsprobe/agent.yaml"
there dpkg -r ewsprobe >>"$work/dpkg"
there test -e /etc/ewsprobe/agent.yaml || die "remove takes the configuration"
there dpkg -P ewsprobe >>"$work/dpkg"
there test ! -e /etc/ewsprobe -a ! -e /var/lib/private/ewsprobe || die "purge leaves something"
left=$(find "$system/root/usr" "$system/root/etc" -name '*ewsprobe*')
[ -z "$left" ] || die "purge leaves $left"

say "rpm: install, upgrade, remove"
there rpm --initdb
there rpm -K --nosignature "/mnt/ewsprobe-$version-1.x86_64.rpm" >/dev/null
there rpm -qp --scripts "/mnt/ewsprobe-$version-1.x86_64.rpm" | grep try-restart >/dev/null
there rpm -i --nodeps "/mnt/ewsprobe-0.0.9-1.x86_64.rpm"
is 0.0.9 there ewsprobe
there rpm -U --nodeps "/mnt/ewsprobe-$version-1.x86_64.rpm"
is "$version" there ewsprobe
there rpm -V --nodeps ewsprobe
there rpm -e ewsprobe
left=$(find "$system/root/usr" "$system/root/etc" -name '*ewsprobe*')
[ -z "$left" ] || die "rpm -e leaves $left"
umount "$system/root" "$system"

say "msi under wine: install, upgrade, remove"
wine64 wineboot --init >"$work/wineboot" 2>&1 || { cat "$work/wineboot" && exit 1; }
x86_64-w64-mingw32-gcc -O2 -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" testdata/lab/wine/bcryptprimitives.c -ladvapi32
path() { wine64 reg query 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment' /v PATH | grep -o 'Program Files.ewsprobe' | wc -l; }
programs() { wine64 reg query 'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall' /s | grep -c 'DisplayName.*ewsprobe' || true; }
installer() { wine64 msiexec "$@" /qn; }
exe="$WINEPREFIX/drive_c/Program Files/ewsprobe/ewsprobe.exe"
installer /i "$old/ewsprobe-0.0.9-windows-amd64.msi"
is 0.0.9 wine64 cmd /c ewsprobe # found by PATH
installer /i "$new/ewsprobe-$version-windows-amd64.msi"
# wine takes the folder out of PATH and leaves its semicolon, behind which its cmd does not look.
is "$version" wine64 "$exe"
[ "$(programs) $(path)" = "1 1" ] || die "after an upgrade: $(programs) entries in the list of programs, $(path) in PATH"
installer /x "$new/ewsprobe-$version-windows-amd64.msi"
[ ! -e "$exe" ] || die "removal leaves the program"
[ "$(programs) $(path)" = "0 0" ] || die "after removal: $(programs) entries in the list of programs, $(path) in PATH"
say "all of it is as it should be"
