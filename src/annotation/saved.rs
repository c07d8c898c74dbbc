//! Indexes kept in a folder, so that the next start need not go through the files again.
//!
//! A saved index is used only if it is whole, of this version, and of a file that has the same size, time of
//! modification and sampled bytes; else it counts as absent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::annotation::Input;
use crate::annotation::index::{Place, file_name};
use crate::atomic;
use crate::digest::{Digest, Digester};
use crate::error::{Error, Result};

const MAGIC: &[u8; 16] = b"svitgen index 1\n";

const BLOCK: usize = 1 << 12;

/// How many blocks of a file are compared, from the first to the last.
const N_BLOCKS: u64 = 17;

/// Bytes of one place.
const PLACE: usize = 24;

/// Bytes before the places: the magic, who the file is, its digest, and how many places there are.
const HEAD: usize = MAGIC.len() + 16 + 16 + 8;

/// Bytes of the checksum at the end.
const TAIL: usize = 16;

/// Where the index of an input is kept; `None` if the input is no file.
pub(super) struct Shelf {
    path: PathBuf,
    identity: Digest,
}

impl Shelf {
    pub(super) fn new(folder: &Path, input: &Input) -> io::Result<Option<Self>> {
        let Some(modified) = input.modified() else { return Ok(None) };
        let mut digester = Digester::default();
        digester.update(&input.n_bytes().to_le_bytes());
        digester.update(&modified.to_le_bytes());
        let mut block = vec![0; BLOCK];
        let last = input.n_bytes().saturating_sub(BLOCK as u64);
        for index in 0..N_BLOCKS {
            // Whole numbers of 64 bits: no file is so long that this overflows.
            let n_read = input.read_at(last / (N_BLOCKS - 1) * index, &mut block)?;
            digester.update(&block[..n_read]);
        }
        let n_read = input.read_at(last, &mut block)?;
        digester.update(&block[..n_read]);
        let path = folder.join(format!("{}.index", file_name(input)));
        Ok(Some(Self { path, identity: digester.finish() }))
    }

    /// The digest of the file and the places of its records, if they have been saved and still hold.
    pub(super) fn load(&self) -> Option<(Digest, Vec<Place>)> {
        let bytes = fs::read(&self.path).ok()?;
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(TAIL)?)?;
        let (head, places) = body.split_at_checked(HEAD)?;
        let is_whole = head.starts_with(MAGIC)
            && head[16..32] == self.identity.to_bytes()
            && checksum == Digest::of(body).to_bytes();
        if !is_whole || places.len() % PLACE != 0 || number(&head[48..])? != (places.len() / PLACE) as u64 {
            return None;
        }
        let digest = Digest::from_bytes(head[32..48].try_into().ok()?);
        let place = |bytes: &[u8]| {
            let (id, offset, len) = (number(bytes)?, number(&bytes[8..])?, number(&bytes[16..])?);
            Some(Place { id, offset, len: usize::try_from(len).ok()? })
        };
        Some((digest, places.chunks_exact(PLACE).map(place).collect::<Option<_>>()?))
    }

    /// Saves an index; whatever was there before goes.
    pub(super) fn save(&self, digest: Digest, places: &[Place]) -> Result<()> {
        let mut bytes = Vec::with_capacity(HEAD + places.len() * PLACE + TAIL);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.identity.to_bytes());
        bytes.extend_from_slice(&digest.to_bytes());
        bytes.extend_from_slice(&(places.len() as u64).to_le_bytes());
        for Place { id, offset, len } in places {
            for number in [*id, *offset, *len as u64] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        let checksum = Digest::of(&bytes).to_bytes();
        bytes.extend_from_slice(&checksum);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        }
        atomic::write(&self.path, &bytes)
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.first_chunk()?))
}
