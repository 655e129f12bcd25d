SHELL := /bin/bash
BINARY := .build/release/sinan
DEMO := sqlite:var/demo.db

.PHONY: demo demo-reset test bench lint setup build

setup:
	@scripts/setup

build: setup
	swift build -c release --product sinan --explicit-target-dependency-import-check error

demo: build
	@scripts/demo $(BINARY) $(DEMO)

demo-reset:
	rm -rf var/demo var/demo.* var/demo-evidence
	@$(MAKE) demo

test: setup
	@scripts/setup-tests
	@scripts/with-postgres scripts/test

bench: setup
	@scripts/setup-tests
	@scripts/with-postgres scripts/bench

lint:
	@swift format lint --strict --recursive --parallel Package.swift App Base Platform Domains Data Public Tests Models
	@scripts/guards
