//! Tells packed files by how they start.

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Zip,
}

/// How many bytes it takes to tell.
pub(super) const MAGIC_BYTES: u64 = 4;

/// How a file that starts with these bytes is packed; `None` if it is not.
pub(super) fn packing(start: &[u8]) -> Option<Packing> {
    match start {
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Packing::Zip),
        _ => None,
    }
}

/// A file's name without the ending that says how it is packed.
pub(super) fn unpacked_name(name: &str) -> &str {
    [".gz", ".zst", ".zip"].into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
