# make demo   builds the program and runs the real check on the embedded stand-in
# make test   all tests; make test-short, a minute of them; make test-race, with the race detector
# make lab, make test-lab, make lab-down   genuine servers on loopback, see testdata/lab/README.md
# make manual   all guides, codes and commands as one page: dist/manual.html
.PHONY: build demo manual test test-short test-race fuzz check release bench lab lab-down lab-purge test-lab test-wine test-page test-release

# As released: without cgo and without a reader of Markdown that nothing uses, which
# cost each start a millisecond or two.
build:
	CGO_ENABLED=0 go build -tags urfave_cli_no_docs ./cmd/ewsprobe

demo: build
	./ewsprobe demo

manual: build
	@mkdir -p dist
	./ewsprobe explain --format html manual > dist/manual.html
	@echo dist/manual.html

# .ci/run calls it with TESTFLAGS=-shuffle=on. TIMEOUT is for the tests of one
# package: far above what they take, so that a busy machine does not end them.
# Most tests wait for a process or a server, so more than one for each CPU may run.
TIMEOUT ?= 30m
test:
	go test -timeout $(TIMEOUT) -parallel 4 $(TESTFLAGS) ./...

# A minute over every package, for the time of writing.
test-short:
	go test -short -timeout $(TIMEOUT) -p 4 -parallel 4 ./...

# With the race detector, which makes them ten times as slow: all tests of the
# packages, and the short ones of the program.
test-race:
	go test -race -timeout $(TIMEOUT) -parallel 4 $(TESTFLAGS) $$(go list ./... | grep -v /cmd/ewsprobe)
	go test -race -short -timeout $(TIMEOUT) -parallel 4 $(TESTFLAGS) ./cmd/ewsprobe

# Every fuzz test for FUZZTIME each, one after the other.
FUZZTIME ?= 10m
fuzz:
	@set -e; for pkg in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

# Figures beside what they are compared with, on this machine; nothing passes or
# fails. Some minutes.
bench:
	go test -run '^$$' -bench . -benchmem ./probe/batch ./cmd/ewsprobe
	go test -count 1 -timeout 30m -v ./testdata/bench

# Static checks; the tools are pinned in .ci/run.
check:
	bash .ci/run static

# Everything that is handed out, into dist; .ci/release.sh says what can be set.
release:
	bash .ci/release.sh

# What release builds, opened, installed, upgraded and removed. Some minutes.
test-release:
	bash testdata/release/run.sh

# The laboratory: Debian 12, as root.
lab:
	bash testdata/lab/lab.sh up

lab-down:
	bash testdata/lab/lab.sh down

# As lab-down, and removes the packages that lab installed.
lab-purge:
	bash testdata/lab/lab.sh purge

# Every row of testdata/lab/matrix.txt; LABFLAGS=-update rewrites it.
test-lab:
	go vet -tags lab ./testdata/lab
	go test -tags lab -count=1 ./testdata/lab $(LABFLAGS)

# The Windows program under wine: the demo, and checks against the laboratory if it is up.
test-wine:
	bash testdata/lab/wine/run.sh

# The HTML pages in headless Chromium: `make test-page PAGES="a.html b.html"`, or
# reports and guides made for it. SHOTS=FOLDER keeps pictures.
test-page: build
	bash testdata/page/page.sh $(PAGES)
