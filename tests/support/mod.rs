//! What several test programs need: where the shared files are.

use std::path::PathBuf;

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
    println!("skipped: {} is absent; SVITGEN_TEST_DATA names the folder of real files", path.display());
    None
}
