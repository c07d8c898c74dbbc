# All checks, as the CI runs them.
check:
    .ci/run

# The main job on the embedded sample.
quickstart:
    cargo run --release --example quickstart

# Tests; snapshots that differ are written beside the old ones.
test:
    cargo test

# Accept what the code makes now as the snapshots that it should make.
accept:
    INSTA_UPDATE=always cargo test

# Format and lint.
lint:
    cargo fmt
    cargo clippy --all-targets --all-features -- -D warnings

# The documentation, opened.
doc:
    cargo doc --no-deps --open

# What each stage costs, beside a baseline.
bench:
    cargo bench
