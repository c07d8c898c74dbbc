//! What several test programs need: where the shared files are.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

/// Says something that is seen even when the test passes.
pub(crate) fn say(text: impl Display) {
    // The test harness holds back what is printed, but not what is written.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A file below the folder of real data, or `None`, said aloud, where that folder is absent.
///
/// The folder is `SVITGEN_TEST_DATA`, by default `../shared` beside the crate.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SVITGEN_TEST_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let path = folder.join(path);
    if path.exists() {
        return Some(path);
    }
    say(format_args!("skipped: {} is absent; SVITGEN_TEST_DATA names the folder of real files", path.display()));
    None
}
