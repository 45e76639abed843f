#!/usr/bin/env bash
# Builds everything that is handed out, into dist/: `make release`. The same
# commit, Go release and Debian give the same bytes, wherever the source lies.
#   VERSION=1.2.3   else the tag of the commit, else what the source says
#   KEY=FILE        the minisign key that signs SHA256SUMS; without it nothing is signed
#   DIST=FOLDER     in the place of dist
#   ARCHS=amd64     in the place of amd64 and arm64
#   ONLY="msi deb"  some of: windows msi unix deb rpm oci sbom manifests
# It needs Go and the Go module proxy; on Debian as root it installs the rest.
set -euo pipefail
cd "$(dirname "$0")/.."

winres=github.com/tc-hib/go-winres@v0.3.3
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
sbom=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

export LC_ALL=C.UTF-8 TZ=UTC CGO_ENABLED=0 GOFLAGS=-tags=urfave_cli_no_docs GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT=
umask 022
die() {
	printf 'release: %s\n' "$*" >&2
	exit "${status:-1}"
}

need=
command -v wixl >/dev/null || need="$need wixl"
command -v msibuild >/dev/null || need="$need msitools"
command -v faketime >/dev/null || need="$need faketime"
command -v zip >/dev/null || need="$need zip"
[ -z "${KEY:-}" ] || command -v minisign >/dev/null || need="$need minisign"
if [ -n "$need" ]; then
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || status=75 die "missing:$need"
	echo "release: installing$need"
	# shellcheck disable=SC2086 # words
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $need; } >/dev/null 2>&1 ||
		status=75 die "apt-get cannot install$need"
fi

version=${VERSION:-$(git describe --exact-match --tags --match 'v*' 2>/dev/null || sed -n 's/^const next = "\(.*\)"/\1/p' cmd/ewsprobe/version.go)}
version=${version#v}
number=${version%%[-+]*} # what Windows takes: three numbers
[[ $number =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "$version is no version such as 1.2.3 or 1.2.3-rc1"
commit=${COMMIT:-$(git rev-parse HEAD)}
[ -n "${COMMIT:-}" ] || git diff --quiet HEAD || echo "release: the source differs from commit $commit"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
date=$(date -ud "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
dist=${DIST:-dist}
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
rm -rf "$dist"/ewsprobe[-_]* "$dist"/SHA256SUMS* "$dist/manifests"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wanted() { [[ " ${ONLY:-windows msi unix deb rpm oci sbom manifests} " == *" $1 "* ]]; }
tool() { env -u GOOS -u GOARCH go run -trimpath "$@"; }
old() { find "$@" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +; } # the time of the commit for every file
# uuid NAME: always the same for a name
uuid() { printf %s "$1" | sha256sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/'; }
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --format=ustar --mtime="@$SOURCE_DATE_EPOCH" "$@"; }
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
# fill FILE: a template; @VERSION@ and so on, and @SHA256 FILE@ of what is in dist
fill() {
	local script=$work/fill f
	printf 's|@%s@|%s|g\n' VERSION "$version" ARCH "${arch:-}" FILES "$work" DATE "${date%T*}" MSIPRODUCT "{$(product)}" >"$script"
	for f in "$dist"/ewsprobe[-_]*; do
		[ ! -f "$f" ] || ! grep -qF "${f##*/}" <(sed "s|@VERSION@|$version|g" "$1") || printf 's|@SHA256 %s@|%s|g\n' "${f##*/}" "$(sum "$f")" >>"$script"
	done
	sed -f "$script" "$1"
}
product() { uuid "ewsprobe product $version" | tr a-f A-F; }

# program OS ARCH: builds it into $work/OS-ARCH
program() {
	local to=$work/$1-$2/ewsprobe
	[ "$1" != windows ] || to=$to.exe
	[ ! -e "$to" ] || return 0
	echo "release: program for $1/$2"
	GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false -o "$to" \
		-ldflags "-s -w -buildid= -X main.release=$version -X main.commit=$commit -X main.date=$date" ./cmd/ewsprobe
	# A pre-release has no number of its own in a resource: three numbers and 0.
	[ "$1" != windows ] || tool "$winres" patch --no-backup --in .ci/package/winres.json \
		--product-version "$version" --file-version "$number.0" "$to"
}

# Licences of all that is linked into a program, on any system.
licences() {
	{
		printf '== The Go Programming Language %s\n\n' "$(go env GOVERSION)"
		cat "$(go env GOROOT)/LICENSE"
		for os in windows linux darwin; do
			GOOS=$os go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/ewsprobe
		done | sort -u | while read -r path version dir; do
			printf '\n== %s %s\n' "$path" "$version"
			files=$(find "$dir" -maxdepth 1 -type f -iregex '.*/\(licen[cs]e\|copying\|notice\)[^/]*' | sort)
			[ -n "$files" ] || die "no licence in $path"
			for f in $files; do printf '\n' && cat "$f"; done
		done
	} | tr -d '\r' >"$work/THIRD-PARTY-LICENSES.txt"
}

windows() {
	local arch=$1 dir=$work/zip-$1
	program windows "$arch"
	mkdir -p "$dir"
	cp "$work/windows-$arch/ewsprobe.exe" LICENSE "$work/THIRD-PARTY-LICENSES.txt" "$dir"
	mv "$dir/LICENSE" "$dir/LICENSE.txt"
	old "$dir"
	(cd "$dir" && find . -type f | sort | sed 's|^\./||' | zip -qX "$dist/ewsprobe-$version-windows-$arch.zip" -@)
}

# wixl knows no Environment element: the table that puts the folder on PATH is
# added to what it makes. It takes a random package code and the time of the day.
msi() {
	local out=$dist/ewsprobe-$version-windows-amd64.msi files=$work/msi
	program windows amd64
	mkdir -p "$files"
	cp "$work/windows-amd64/ewsprobe.exe" "$work/THIRD-PARTY-LICENSES.txt" .ci/package/icon.png "$files"
	cp LICENSE "$files/LICENSE.txt"
	# An icon file is this header and the picture.
	{ printf '\0\0\1\0\1\0\0\0\0\0\1\0\40\0' && printf '%08x' "$(stat -c %s "$files/icon.png")" | sed -E 's/(..)(..)(..)(..)/\\x\4\\x\3\\x\2\\x\1/' |
		xargs -0 printf && printf '\26\0\0\0' && cat "$files/icon.png"; } >"$files/icon.ico"
	printf '%s\r\n' $'Environment\tName\tValue\tComponent_' $'s72\tl255\tL255\ts72' $'Environment\tEnvironment' \
		$'Path\t=-*PATH\t[~];[INSTALLDIR]\tProgram' >"$files/Environment.idt"
	old "$files"
	frozen() { faketime -f "$(date -ud "@$SOURCE_DATE_EPOCH" "+%F %T")" "$@"; }
	cp .ci/package/ewsprobe.wxs "$files"
	(cd "$files" && frozen wixl -a x64 -D "version=$number" -D "product=$(product)" -o "$out" ewsprobe.wxs) # it takes no path from the root
	frozen msibuild "$out" -i "$files/Environment.idt"
	frozen msibuild "$out" -q "INSERT INTO InstallExecuteSequence (Action, Sequence) VALUES ('RemoveEnvironmentStrings', 3300)" \
		-q "INSERT INTO InstallExecuteSequence (Action, Sequence) VALUES ('WriteEnvironmentStrings', 5200)"
	frozen msibuild "$out" -s "ewsprobe $version" "The ewsprobe authors" "x64;1033" "{$(uuid "ewsprobe package $version $(sum "$files/ewsprobe.exe")" | tr a-f A-F)}"
}

# What a Unix package has beside the program, made by a program that runs here.
extras() {
	local self
	self=$work/$(go env GOHOSTOS)-$(go env GOHOSTARCH)/ewsprobe
	[ ! -e "$work/extras" ] || return 0
	program "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)"
	mkdir -p "$work/extras"
	"$self" man >"$work/extras/ewsprobe.1"
	for shell in bash zsh fish; do "$self" completion $shell >"$work/extras/ewsprobe.$shell"; done
	gzip -9nc "$work/extras/ewsprobe.1" >"$work/extras/ewsprobe.1.gz"
	gzip -9nc .github/CHANGELOG.md >"$work/extras/changelog.gz"
	{ printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: ewsprobe\nSource: https://github.com/ewsprobe/ewsprobe\n\nFiles: *\n'
		sed -n 's/^Copyright (c) /Copyright: /p' LICENSE && printf 'License: Expat\n' && sed '1,/^Copyright/d; s/^$/./; s/^/ /' LICENSE | sed 1d; } >"$work/extras/copyright"
	"$self" agent install --print --program /usr/bin/ewsprobe --config /etc/ewsprobe/agent.yaml >"$work/extras/ewsprobe.service"
	"$self" agent example >"$work/extras/agent.yaml"
}

unix() {
	local dir=$work/tar-$1-$2 name=ewsprobe-$version
	program "$1" "$2"
	extras
	mkdir -p "$dir/$name"
	cp "$work/$1-$2/ewsprobe" LICENSE "$work/THIRD-PARTY-LICENSES.txt" "$work/extras/ewsprobe.1" "$dir/$name"
	for shell in bash zsh fish; do install -Dm644 "$work/extras/ewsprobe.$shell" "$dir/$name/completions/ewsprobe.$shell"; done
	pack -C "$dir" -c "$name" | gzip -9n >"$dist/$name-$1-$2.tar.gz"
}

# package deb|rpm ARCH
package() {
	local arch=$2
	program linux "$arch"
	extras
	old "$work/extras" "$work/linux-$arch"
	fill .ci/package/nfpm.yaml >"$work/nfpm.yaml"
	tool "$nfpm" package --config "$work/nfpm.yaml" --packager "$1" --target "$dist" | sed 's/^/release: /'
}

# An image of one file and two folders that it may write to, as OCI layout and as docker load takes it. A health check
# is Docker's own field of the configuration; others ignore it.
oci() {
	local arch=$1 dir=$work/oci-$1 layer config manifest
	program linux "$arch"
	mkdir -p "$dir/blobs/sha256" "$dir/root/state" "$dir/root/tmp"
	chmod 1777 "$dir/root/state" "$dir/root/tmp"
	cp "$work/linux-$arch/ewsprobe" "$dir/root"
	# blob FILE: puts it under its own digest, which it prints
	blob() {
		local d
		d=$(sum "$1")
		mv "$1" "$dir/blobs/sha256/$d"
		echo "$d"
	}
	size() { stat -c %s "$dir/blobs/sha256/$1"; }
	pack -C "$dir/root" -cf "$dir/layer" ewsprobe state tmp
	rm -r "$dir/root"
	layer=$(blob "$dir/layer")
	fill .ci/package/image.json | sed "s|@LAYER@|$layer|; s|@CREATED@|$date|; s|@COMMIT@|$commit|" >"$dir/config"
	config=$(blob "$dir/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
		"$config" "$(size "$config")" "$layer" "$(size "$layer")" >"$dir/manifest"
	manifest=$(blob "$dir/manifest")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"architecture":"%s","os":"linux"},"annotations":{"io.containerd.image.name":"docker.io/ewsprobe/ewsprobe:%s","org.opencontainers.image.ref.name":"%s"}}]}' \
		"$manifest" "$(size "$manifest")" "$arch" "$version" "$version" >"$dir/index.json"
	printf '[{"Config":"blobs/sha256/%s","RepoTags":["ewsprobe/ewsprobe:%s"],"Layers":["blobs/sha256/%s"]}]' "$config" "$version" "$layer" >"$dir/manifest.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	pack -C "$dir" -cf "$dist/ewsprobe-$version-linux-$arch.oci.tar" blobs index.json manifest.json oci-layout
}

licences
for arch in ${ARCHS:-amd64 arm64}; do
	! wanted windows || windows $arch
	! wanted unix || { unix linux $arch && unix darwin $arch; }
	! wanted deb || package deb $arch
	! wanted rpm || package rpm $arch
	! wanted oci || oci $arch
done
! wanted msi || msi
if wanted sbom; then
	for os in windows linux darwin; do
		program $os amd64
		echo "release: list of parts for $os"
		tool -exec "env GOOS=$os GOARCH=amd64" "$sbom" bin -json -licenses -noserial -notimestamp -version "v$version" \
			-output "$dist/ewsprobe-$version-$os.cdx.json" "$(echo "$work/$os-amd64"/ewsprobe*)" 2>"$work/sbom" || {
			cat "$work/sbom" >&2
			exit 1
		}
	done
fi
if wanted manifests; then
	mkdir -p "$dist/manifests"
	for f in .ci/package/winget/*.yaml .ci/package/ewsprobe.json .ci/package/ewsprobe.rb; do
		fill "$f" >"$dist/manifests/${f##*/}"
		! grep -n '@[A-Z]' "$dist/manifests/${f##*/}" || die "$f has a place that nothing fills"
	done
fi
(cd "$dist" && find . -type f ! -name 'SHA256SUMS*' | sed 's|^\./||' | sort | xargs sha256sum >SHA256SUMS)
if [ -n "${KEY:-}" ]; then
	minisign -S -s "$KEY" -m "$dist/SHA256SUMS" -x "$dist/SHA256SUMS.minisig" -t "ewsprobe $version" >/dev/null
	echo "release: $dist, SHA256SUMS signed with $KEY"
else
	echo "release: $dist, not signed: no KEY was named"
fi
