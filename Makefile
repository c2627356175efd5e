# Every target installs what it needs; a second call does only what has changed.
# The product is tested as it is shipped: `test` builds the wheel, installs it into .venv, and runs the tests against that.

PYTHON  = $$(packaging/host/python)
WORKERS = 3
SEEDS   = 1000
KILLS   = 200
STARTS  = 10000
INPUTS  = 1000000
MINUTES = 20
INTO    =
ARGS    =
BENCH   = full
ROWS    =
SUITE   = bookworm
BASE    = debian:bookworm-slim
FROM    =
PREFIX  = /usr/local
SYSCONFDIR = /etc
DESTDIR =

VERSION  := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' rocketd/__init__.py)
WHEEL    := dist/rocketd-$(VERSION)-py3-none-linux_$(shell uname -m).whl
WHEELS   := build/wheels
BIN      := .venv/bin
PYTEST    = env -u PYTHONPATH PYTHONSAFEPATH=1 $(BIN)/python -m pytest
SITE     := build/docs/html
SPHINX    = $(BIN)/sphinx-build --quiet --fail-on-warning --nitpicky --doctree-dir build/docs/trees
TSC      := tsc --noEmit --allowJs --checkJs --target es2022 --module es2022 --moduleResolution node \
            --lib es2022,dom,dom.iterable $(wildcard rocketd/page/static/*.js rocketd/page/static/views/*.js)
PINS     := packaging/requirements
PIP      := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Directories count as well: that is how a removed module is noticed.
SOURCES  := $(shell find rocketd packaging/launcher -name __pycache__ -prune -o \( -type d -o -name '*.py' -o -name '*.[ch]' -o -name py.typed -o -path '*/static/*' \) -print)
SHIPPED  := $(shell find packaging etc systemd -type f) Makefile README.md CHANGELOG.md
ARCH      = $(shell dpkg --print-architecture)
DEB       = dist/rocketd_$(VERSION)_$(SUITE)_$(ARCH).deb
RPM       = dist/rocketd-$(VERSION)-1.$(shell uname -m).rpm
LIB      := $(PREFIX)/lib/rocketd
ZSH_FUNCTIONS = $(PREFIX)/share/zsh/site-functions
DEMO     := $(patsubst etc/examples/demo/%,var/etc/%,$(wildcard etc/examples/demo/*.toml))

# Timestamps inside the wheel and the packages are those of the commit, not of the build.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help run test kill upgrade versions simulate fleet fleetfaults reference fuzz soak engines machines cockpit contain check bench format docs pictures deb rpm release container wheels install install-program install-rest clean distclean

help:  ## this list
	@echo "make TARGET, one of:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- what a user calls --------------------------------------------------------------------------

run: $(DEMO) .venv/rocketd  ## example tasks in the foreground, state under ./var; Ctrl-C stops
	@install -d -m 755 var/lib var/run
	$(BIN)/rocketd --config-dir var/etc --state-dir var/lib --runtime-dir var/run --log-target console

test: .venv/rocketd .venv/dev  ## all tests, against the installed package (ARGS='tests/unit -k cron')
	@[ "$$(id -u)" != 0 ] || { packaging/host/prepare system && packaging/host/prepare rpm; }
	$(PYTEST) --numprocesses $(WORKERS) --no-loadscope-reorder $(ARGS)

kill: .venv/rocketd .venv/dev  ## kill -9 at every system call, 1,000 under load, power cuts: an hour
	ROCKETD_KILLS=all $(PYTEST) --timeout 0 tests/faults tests/integration/test_library_goes_on.py -rA $(ARGS)

upgrade: .venv/rocketd .venv/dev  ## from the version of FROM=COMMIT to this one, and back, on both Debians
	packaging/host/prepare system
	rm -rf build/earlier && mkdir -p build/earlier && git archive $(FROM) | tar -x -C build/earlier
	for suite in bookworm trixie; do \
	    $(MAKE) -C build/earlier deb SUITE=$$suite SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct $(FROM)) && $(MAKE) deb SUITE=$$suite || exit; \
	done
	ROCKETD_EARLIER=$(CURDIR)/build/earlier/dist $(PYTEST) --timeout 0 tests/system/test_upgrade.py $(ARGS)

versions: .venv/rocketd .venv/dev  ## hosts of a fleet with the version of FROM=COMMIT beside hosts with this one
	rm -rf build/earlier && mkdir -p build/earlier && git archive $(FROM) | tar -x -C build/earlier
	$(MAKE) -C build/earlier .venv/rocketd
	build/earlier/.venv/bin/python -m pip --disable-pip-version-check --quiet install psycopg -c $(PINS)/dev.txt
	ROCKETD_EARLIER_PYTHON=$(CURDIR)/build/earlier/.venv/bin/python $(PYTEST) --timeout 600 tests/integration/test_fleet_versions.py -rA $(ARGS)

simulate: .venv/rocketd .venv/dev  ## simulated worlds with everything that can happen in them (SEEDS=1000)
	ROCKETD_SEEDS=$(SEEDS) $(PYTEST) --timeout 0 --numprocesses $(WORKERS) --dist load tests/simulation $(ARGS)

fleet: .venv/rocketd .venv/dev  ## simulated fleets of 2 to 5 hosts with everything that can happen to them (SEEDS=1000)
	ROCKETD_FLEET_SEEDS=$(SEEDS) $(PYTEST) --timeout 0 --numprocesses $(WORKERS) --dist load tests/simulation/test_fleet.py $(ARGS)

fleetfaults: .venv/rocketd .venv/dev  ## real daemons, PostgreSQL and networks that fail, and KILLS=200 kills of hosts
	ROCKETD_FLEET_LONG=1 KILLS=$(KILLS) $(PYTEST) --timeout 0 -rP tests/integration/test_fleet_faults.py $(ARGS)

reference: .venv/rocketd .venv/dev  ## worlds of weeks beside a naive scheduler, until STARTS=10000 starts are the same
	ROCKETD_STARTS=$(STARTS) $(PYTEST) --timeout 0 -rP --numprocesses $(WORKERS) --dist load tests/simulation/test_beside_ticks.py -k as_many_starts $(ARGS)

fuzz: .venv/rocketd .venv/dev  ## hostile condition texts, task files, socket bytes and output (INPUTS=1000000)
	ROCKETD_INPUTS=$(INPUTS) $(PYTEST) --timeout 0 --numprocesses $(WORKERS) --dist load tests/fuzz $(ARGS)

soak: .venv/rocketd .venv/bench  ## 200 runs a second for MINUTES=20: memory, descriptors, threads, lateness over time
	PYTHONSAFEPATH=1 PYTHONPATH=bench $(BIN)/python bench/soak.py --minutes $(MINUTES) $(INTO:%=--into %)

engines: .venv/rocketd .venv/dev  ## runs handed off to Slurm of Debian, and over ssh, in a booted Debian 12
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare system
	ROCKETD_ENGINES=yes $(PYTEST) --timeout 600 tests/system/test_engines.py -rA $(ARGS)

machines: .venv/rocketd .venv/dev  ## docs/how-to/several-hosts.md, typed in three booted Debian 12; power cuts and suspends
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare system
	ROCKETD_MACHINES=yes $(PYTEST) --timeout 600 tests/system/test_fleet_machines.py -rA $(ARGS)

cockpit: .venv/rocketd .venv/dev  ## the page in Cockpit, in booted Debian 12 and 13, as users with different rights
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare system
	ROCKETD_COCKPIT=yes $(PYTEST) tests/system/test_cockpit.py -rA $(ARGS)

contain: .venv/rocketd .venv/dev wheels  ## the container image, built on a tree of this Debian and run without an engine
	packaging/host/prepare system
	packaging/host/prepare container
	ROCKETD_CONTAINER=yes $(PYTEST) tests/system/test_container.py -rA $(ARGS)

check: .venv/rocketd .venv/dev  ## lint, format, types (of the page as well), layers
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@if command -v tsc >/dev/null; then echo $(TSC); $(TSC); else echo "tsc is missing: the page's types are not checked"; fi

bench: .venv/rocketd .venv/bench .venv/rocketry/made  ## measure, each figure beside a limit or a peer (BENCH=quick, BENCH=guard, ROWS='burst list')
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare system
	@PYTHONSAFEPATH=1 PYTHONPATH=bench:tests BENCH=$(BENCH) $(BIN)/python bench/table.py $(INTO:%=--into %) $(ROWS)

format: .venv/dev  ## put the code into its one format
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: $(SITE)/index.html  ## the manual: build/docs/html, and the man pages that are made of its pages
	$(SPHINX) -b man docs packaging/man
	@echo $<

pictures: .venv/rocketd .venv/dev  ## rocketctl in a terminal, and the page in a browser, for the manual
	@[ "$$(id -u)" != 0 ] || packaging/host/prepare system
	PYTHONPATH=packaging $(BIN)/python -m docgen.terminal_pictures docs/pictures
	PYTHONPATH=packaging:tests $(BIN)/python -m docgen.page_pictures docs/how-to/look

$(SITE)/index.html: .venv/dev CHANGELOG.md $(shell find docs packaging/docgen -type f -not -path '*/__pycache__/*')
	rm -rf $(SITE)
	$(SPHINX) -b html docs $(SITE)

# -- the virtual environment: .venv/WHAT is the time stamp of a step ------------------------------

.venv/made: | packaging/host/prepare packaging/host/python
	packaging/host/prepare build
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/build: .venv/made $(PINS)/build.txt
	$(PIP) install -r $(PINS)/build.txt
	@touch $@

$(WHEELS)/made: .venv/build $(PINS)/run.txt
	rm -rf $(WHEELS)
	@# What pip builds is in a directory of another name each time, which debugging information would carry along.
	CFLAGS=-g0 $(PIP) wheel --no-deps --no-build-isolation --use-pep517 --wheel-dir $(WHEELS) -r $(PINS)/run.txt
	@touch $@

.venv/run: $(WHEELS)/made
	$(PIP) install --no-index --find-links $(WHEELS) -r $(PINS)/run.txt
	@touch $@

.venv/dev: .venv/made $(PINS)/dev.txt $(PINS)/run.txt
	$(PIP) install -r $(PINS)/dev.txt -c $(PINS)/run.txt
	@touch $@

.venv/bench: .venv/dev $(PINS)/bench.txt
	$(PIP) install -r $(PINS)/bench.txt -c $(PINS)/dev.txt
	@touch $@

# Beside which the library is measured; it needs an older Pydantic.
.venv/rocketry/made: .venv/made $(PINS)/rocketry.txt
	$(PYTHON) -m venv --clear .venv/rocketry
	.venv/rocketry/bin/python -m pip --disable-pip-version-check --quiet install -r $(PINS)/rocketry.txt
	@touch $@

# A wheel without the launcher would have another name.
$(WHEEL): .venv/build pyproject.toml packaging/build_launcher.py README.md LICENSE $(SOURCES)
	rm -f dist/rocketd-*.whl
	$(BIN)/python -m hatchling build --target wheel --directory dist
	@test -e $@

.venv/rocketd: .venv/run $(WHEEL)
	$(PIP) install --no-index --no-deps --force-reinstall $(WHEEL)
	@touch $@

var/etc/%.toml: etc/examples/demo/%.toml
	@install -D -m 644 $< $@
	@chmod 755 var var/etc

# -- the packages and the installation ------------------------------------------------------------

deb: $(DEB)  ## a Debian package, dist/*.deb (SUITE=bookworm or trixie)
	@echo $(DEB)

dist/rocketd_$(VERSION)_%_$(ARCH).deb: .venv/build $(WHEEL) $(SHIPPED) $(SITE)/index.html
	packaging/host/prepare system
	packaging/deb $* $@

rpm: $(RPM)  ## an RPM package for this host's Python, dist/*.rpm
	@echo $(RPM)

$(RPM): .venv/build $(WHEELS)/made $(WHEEL) $(SHIPPED) $(SITE)/index.html
	packaging/host/prepare rpm
	$(PIP) download --no-deps --dest build/rpm-wheels -r $(PINS)/build.txt
	packaging/rpm $@

release:  ## everything that a release consists of: built, checked, with what a person has to sign
	packaging/release may-begin
	packaging/host/prepare release
	@# What was built at an earlier commit has its time in it.
	rm -f dist/rocketd*
	$(MAKE) check test
	$(MAKE) deb SUITE=bookworm
	$(MAKE) deb SUITE=trixie
	$(MAKE) rpm
	packaging/release collect

container: wheels  ## an image for hosts without systemd, by buildah (BASE=debian:bookworm-slim)
	packaging/host/prepare container
	packaging/container/build rocketd:$(VERSION) $(BASE)

wheels: $(WHEELS)/made $(WHEEL)

install: install-program install-rest  ## program, units, documentation (DESTDIR=, PREFIX=/usr/local, SYSCONFDIR=/etc)

# The environment is made where it goes and then made to forget that DESTDIR was in front of it.
install-program: wheels
	rm -rf $(DESTDIR)$(LIB)/venv
	$(PYTHON) -m venv --without-pip $(DESTDIR)$(LIB)/venv
	sed -i '/^command/d' $(DESTDIR)$(LIB)/venv/pyvenv.cfg
	rm -f $(DESTDIR)$(LIB)/venv/.gitignore
	$(PIP) --python $(DESTDIR)$(LIB)/venv/bin/python3 install --no-index --no-compile \
	    --find-links $(WHEELS) --find-links dist -r $(PINS)/run.txt rocketd==$(VERSION)
	@# A program that its user cannot read cannot be looked into by him either, from its first instruction on (ptrace(2)).
	chmod 711 $(DESTDIR)$(LIB)/venv/lib/python3*/site-packages/rocketd/executor/process/launcher
	@# Programs have the path of the interpreter in them: others follow, and no record speaks of these.
	find $(DESTDIR)$(LIB)/venv/bin -type f -delete
	sed -i '\,^\.\./\.\./\.\./bin/,d' $(DESTDIR)$(LIB)/venv/lib/python3*/site-packages/*.dist-info/RECORD
	$(PYTHON) -m compileall -q --invalidation-mode unchecked-hash -s '$(DESTDIR)' $(DESTDIR)$(LIB)/venv/lib
	install -d $(DESTDIR)$(PREFIX)/bin
	for program in rocketd rocketctl; do \
	    printf '%s\n' '#!$(LIB)/venv/bin/python3 -I' "from rocketd.cli.$$program import main" '' 'raise SystemExit(main())' \
	        >$(DESTDIR)$(LIB)/venv/bin/$$program; \
	    chmod 755 $(DESTDIR)$(LIB)/venv/bin/$$program; \
	    ln -sf ../lib/rocketd/venv/bin/$$program $(DESTDIR)$(PREFIX)/bin/$$program; \
	done
	install -d $(DESTDIR)$(PREFIX)/lib/nagios/plugins
	ln -sf ../../../bin/rocketctl $(DESTDIR)$(PREFIX)/lib/nagios/plugins/check_rocketd
	@# A page of Cockpit's is a directory; this one is also what `rocketctl web` serves.
	install -d $(DESTDIR)$(PREFIX)/share/cockpit
	ln -sfn ../../lib/rocketd/venv/lib/$$(basename $(DESTDIR)$(LIB)/venv/lib/python3*)/site-packages/rocketd/page/static \
	    $(DESTDIR)$(PREFIX)/share/cockpit/rocketd
	install -D -m 644 packaging/cockpit/org.cockpit_project.rocketd.metainfo.xml \
	    $(DESTDIR)$(PREFIX)/share/metainfo/org.cockpit_project.rocketd.metainfo.xml
	@# What an administrator has edited stays.
	[ -e $(DESTDIR)$(SYSCONFDIR)/rocketd/rocketd.toml ] || \
	    install -D -m 644 etc/rocketd/rocketd.toml $(DESTDIR)$(SYSCONFDIR)/rocketd/rocketd.toml
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/user
	sed 's|/usr/bin/rocketd|$(PREFIX)/bin/rocketd|' systemd/rocketd-user.service >$(DESTDIR)$(PREFIX)/lib/systemd/user/rocketd.service
	install -D -m 644 systemd/rocketd.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/rocketd.catalog
	for page in packaging/man/*.[1-8]; do \
	    install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done
	install -D -m 644 packaging/completions/rocketctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/rocketctl
	install -D -m 644 packaging/completions/rocketctl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/rocketctl.fish
	install -D -m 644 packaging/completions/_rocketctl $(DESTDIR)$(ZSH_FUNCTIONS)/_rocketctl
	install -d $(DESTDIR)$(PREFIX)/share/doc/rocketd
	cp -r README.md etc/examples $(DESTDIR)$(PREFIX)/share/doc/rocketd
	@# Made by `make docs`; the packages have it.
	[ ! -e $(SITE) ] || cp -r $(SITE) $(DESTDIR)$(PREFIX)/share/doc/rocketd/html

# What a distribution's own packaging tools place, each in its way.
install-rest:
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/bin/rocketd|$(PREFIX)/bin/rocketd|' systemd/rocketd.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/rocketd.service
	install -D -m 644 systemd/rocketd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/rocketd.conf
	install -D -m 644 systemd/rocketd.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/rocketd.conf
	install -m 644 CHANGELOG.md $(DESTDIR)$(PREFIX)/share/doc/rocketd
	[ ! -d $(DESTDIR)$(SYSCONFDIR)/needrestart/conf.d ] || \
	    install -m 644 etc/needrestart/rocketd.conf $(DESTDIR)$(SYSCONFDIR)/needrestart/conf.d/rocketd.conf
	@[ -n "$(DESTDIR)" ] || echo "now: systemd-sysusers && systemctl daemon-reload && journalctl --update-catalog && systemctl enable --now rocketd"

# -- leaving ------------------------------------------------------------------------------------

clean:  ## remove what was built here
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

distclean: clean  ## as clean, and the virtual environment and ./var as well
	rm -rf .venv var
