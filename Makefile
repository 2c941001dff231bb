# SPDX-License-Identifier: GPL-2.0
#
#   make               toytcp.ko and the tools; KDIR= builds the module for
#                      another kernel than the running one
#   make run           the demonstration, in a virtual machine
#   make check         all tests; the last line says "N passed, N failed"
#   make check-long    the same, with the tests that take long in full length
#   make bench         AF_TOYTCP beside the kernel's TCP, in instructions (long)
#   make bench-loss    both over paths that lose and reorder, in virtual time (long)
#   make install       the module (DKMS), tools, header and man pages
#   make uninstall     and away with them
#   make clean         everything that was built; the cache of kernels outside
#                      the clone stays (scripts/kernel says where)
#
# What a target needs and the machine lacks is installed from Debian.

VERSION := 0.1
KDIR ?=

all: module tools

module:
	+@set -e; kdir='$(KDIR)'; \
	test -n "$$kdir" || kdir=$$(scripts/kernel --kdir running); \
	scripts/build -o toytcp.ko "$$kdir"

tools:
	$(MAKE) -C userspace VERSION=$(VERSION)

run:
	@scripts/demo

check:
	+scripts/check

bench:
	@scripts/bench

bench-loss:
	@scripts/bench-loss

check-long:
	+scripts/check --long

clean:
	$(MAKE) -C userspace clean
	if [ -e selftests/Makefile ]; then $(MAKE) -C selftests clean; fi
	if [ -e kunit/user/Makefile ]; then $(MAKE) -C kunit/user clean; fi
	rm -rf build toytcp.ko

# DKMS builds the module for each kernel whose headers the machine has, now
# and whenever a kernel is installed.
src := $(DESTDIR)/usr/src/toytcp-$(VERSION)

install: tools
	$(MAKE) -C userspace install VERSION=$(VERSION)
	rm -rf $(src)
	mkdir -p $(src)
	cp -r Kbuild dkms.conf module uapi $(src)
	if [ -z "$(DESTDIR)" ]; then scripts/dkms-install $(VERSION); fi

uninstall:
	if [ -z "$(DESTDIR)" ] && command -v dkms >/dev/null; then \
		dkms remove toytcp/$(VERSION) --all || true; \
	fi
	rm -rf $(src)
	$(MAKE) -C userspace uninstall

.PHONY: all module tools run check check-long bench bench-loss clean install uninstall
