# What `sam build` does for each function: the binary, and beside it the configuration of the project that TIDINGS_PROJECT names;
# the shop example if it names none. The reader needs no configuration. SAM's own builder for Rust packs a bootstrap and nothing else.
#
# SAM doesn't say for which processor it builds, so there is a folder for each, whose Makefile says it: template.yaml takes the one
# that is named as the parameter Architecture. Needs make, Rust, cargo-lambda and, to build for another processor, zig.
# TIDINGS names a `tidings` that is there already, instead of one built of these sources. SAM_BUILD_MODE=debug builds in the profile of `cargo test`.
#
# Without --build-in-source (samconfig.toml has it) SAM copies this folder elsewhere, and nothing of the repository is found there.

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
PROJECT := $(abspath $(or $(TIDINGS_PROJECT),$(ROOT)/examples/shop))
TIDINGS ?= cargo run --quiet --locked --
PROFILE := $(if $(filter debug,$(SAM_BUILD_MODE)),,--release)

build-Receiver: FUNCTION = receiver
build-Processor: FUNCTION = processor

# The API of the endpoints is the same program: its environment says what it is.
build-PublisherFunction build-Portal: FUNCTION = publisher

# The feed is the same program: its environment says what it is.
build-Reader build-FeedReader: FUNCTION = reader

build-KafkaFunction: FUNCTION = kafka

build-SenderFunction: FUNCTION = sender

BINARY = cd "$(ROOT)/functions/$(FUNCTION)" && cargo lambda build --locked $(PROFILE) $(TARGET) --bin $(FUNCTION) --lambda-dir "$(ARTIFACTS_DIR)" --flatten $(FUNCTION)

build-Reader build-FeedReader:
	$(BINARY)

build-Receiver build-Processor build-PublisherFunction build-Portal build-KafkaFunction build-SenderFunction:
	$(BINARY)
	cd "$(ROOT)" && $(TIDINGS) build --project "$(PROJECT)" --out "$(ARTIFACTS_DIR)"
