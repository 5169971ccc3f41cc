# `make test` and `make e2e` install missing Debian packages with apt-get and
# print their names.

GO       ?= go
# Tests that run without the race detector: those that drive the real program from
# outside, those of pure functions, and those of the whole engine, which take eight minutes
# with it; "make race" runs these. "make check" runs the check of texts.
OUTSIDE  := ./e2e/...
ENGINE   := ./internal/app
PURE     := . ./docs/... ./internal ./internal/notify/message/... ./internal/notify/provider/... ./internal/schedule/... ./internal/web/view/...
RACED    := $$($(GO) list ./... | grep -vE '^overdue$$|^overdue/(e2e|docs|internal$$|internal/(app|notify/message|notify/provider|prose|schedule|web/view)(/|$$))')
TOOL     := $(GO) tool -modfile=tools/go.mod
# Tests of packages keep their files in memory, see tools/tempdir.sh; the compiler does not.
INMEMORY := GOTMPDIR=$${GOTMPDIR:-$${TMPDIR:-/tmp}} TMPDIR=$$(sh tools/tempdir.sh)
# Many tests wait, so more packages than processors run at a time.
PARALLEL := -p $$((2 * $$(getconf _NPROCESSORS_ONLN)))
POSTGRES := $(GO) run ./internal/store/storetest/withpostgres

# The race detector checks all Go code except SQLite, which is translated from C, and
# pure functions: schedules, templates, migrations, Markdown, flags, regular expressions. Checking them would take
# most of the time and find no races in Overdue. None of these packages may use sync.Map
# or another generic type with atomics: the linker could take its copy for all.
PLAIN    := -race=false -d=checkptr=0
UNRACED  := modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory overdue/internal/schedule/... overdue/internal/web/view/... github.com/a-h/templ/... \
	github.com/pressly/goose/... github.com/yuin/goldmark/... github.com/alecthomas/kong regexp regexp/syntax
RACE     := -race $(foreach pkg,$(UNRACED),-gcflags='$(pkg)=$(PLAIN)')

.DEFAULT_GOAL := help
.PHONY: help run demo gallery quick test test-outside test-inside test-engine test-packages race e2e oracle bench upgrade-test check generate dist needs-test

help: ## lists the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /  \1|/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

run: ## runs the server, on SQLite
	@echo "Building. The first build compiles SQLite and takes a few minutes; later ones take seconds."
	@mkdir -p dist && $(GO) build -v -o dist/overdue .
	dist/overdue serve

demo: ## serves a month of demo data on a free port, in a temporary folder
	@echo "Building. The first build compiles SQLite and takes a few minutes; later ones take seconds."
	@mkdir -p dist && $(GO) build -v -o dist/demo ./e2e/demo
	dist/demo

gallery: needs-test ## screenshots of the main pages with demo data, in gallery/index.html
	GALLERY=$(CURDIR)/gallery $(GO) test -count=1 -run '^TestGallery_' ./e2e/browser
	@echo "Open gallery/index.html."

# The tests with PostgreSQL in their name start a server of it. The tests with AgreesWith in
# their name compare thousands of schedules with a real scheduler. "make check" reads all texts.
# The slowest packages come first.
quick: ## what to run before a commit: vet and most tests, on SQLite only, without the race detector
	$(GO) vet ./...
	$(INMEMORY) TEST_DATABASES=sqlite $(GO) test $(PARALLEL) -timeout 3m -skip 'PostgreSQL|AgreesWith|NoPhraseOfTheTable' \
		./internal/app ./internal/web ./internal/store ./internal/httpd . ./client/... ./internal/...

test: needs-test ## every test, on both databases; most of the product's packages with the race detector
ifdef PACKAGES
	$(POSTGRES) $(GO) test $(RACE) -timeout 12m $(PACKAGES)
else
	$(POSTGRES) $(MAKE) --no-print-directory test-outside test-inside
endif

race: needs-test ## the tests of the whole engine with the race detector, in about ten minutes
	$(INMEMORY) $(POSTGRES) $(GO) test $(RACE) -count=1 -timeout 20m $(ENGINE)

e2e: needs-test ## only the tests of the real binary
	$(POSTGRES) $(MAKE) --no-print-directory test-outside COUNT=-count=1

oracle: needs-test ## compares 5,000 random histories with an oracle, in about an hour
	$(INMEMORY) $(POSTGRES) $(GO) test -count=1 -timeout 3h -run TestOracle ./internal/app -histories $${HISTORIES:-5000} -seed $${SEED:-1}

# The slowest packages come first.
test-outside:
	$(GO) test $(COUNT) -timeout 12m ./e2e/crash ./e2e/browser $(OUTSIDE)

# The tests of the engine mostly wait for their databases, so they run next to the others.
test-inside:
	$(MAKE) --no-print-directory --jobs=2 --output-sync=line test-engine test-packages

test-engine:
	$(INMEMORY) $(GO) test -timeout 15m $(ENGINE)

test-packages:
	$(INMEMORY) $(GO) test -timeout 6m $(PURE)
	$(INMEMORY) $(GO) test $(RACE) -timeout 12m $(RACED)

bench: needs-test ## pings per second, memory, lists, deadlines, alerts; BENCH='-scale -postgres' for more
	$(GO) run ./e2e/bench $(BENCH)

upgrade-test: needs-test ## opens databases that earlier versions wrote; builds each of them
	$(GO) run ./e2e/upgrade

check: ## vet, staticcheck, gofumpt, wording, generated code, licences
	$(GO) vet ./...
	$(GO) test ./internal/prose
	$(TOOL) staticcheck ./...
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' ':!*_templ.go')); test -z "$$out" || { echo "gofumpt would change:"; echo "$$out"; exit 1; }
	@# mathutil has the BSD-3-Clause licence in other words, which the tool does not recognise.
	@# Its messages about assembly files are not errors.
	$(TOOL) go-licenses check . --ignore overdue --ignore modernc.org/mathutil --stderrthreshold=ERROR --logtostderr=false --allowed_licenses=MIT,BSD-2-Clause,BSD-3-Clause,Apache-2.0,ISC,MPL-2.0
	$(TOOL) templ generate -path internal/web/view >/dev/null 2>&1
	@git diff --exit-code --stat -- internal/web/view || { echo "the templates were changed without make generate"; exit 1; }
	$(GO) mod verify
	$(GO) mod tidy -diff

generate: ## the Go code of the templates
	$(TOOL) templ generate -path internal/web/view

dist: ## binaries, packages, images, SBOM and checksums, in dist/
	@sh tools/dist.sh

needs-test:
	@sh tools/needs.sh
