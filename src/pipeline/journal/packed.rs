//! A journal at rest, packed by zstd as one file that ordinary tools read too (`zstdcat`); it is unpacked when a run, or
//! whoever reads replies once more, opens it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

#[cfg(feature = "packed")]
use crate::atomic::AtomicFile;
use crate::error::{Error, Result};
use crate::pipeline::journal;

/// Where a packed journal is; `journal.jsonl` counts where both are, for only a kill between two steps leaves them so.
fn packed_path(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl.zst")
}

/// Packs the journal of a run; returns how many bytes it then has.
#[cfg(feature = "packed")]
pub(in crate::pipeline) fn pack(folder: &Path) -> Result<u64> {
    let (path, packed) = (journal::path(folder), packed_path(folder));
    let mut plain = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
    let mut file = AtomicFile::create(&packed)?;
    file.write_with(|writer| {
        let mut encoder = zstd::stream::write::Encoder::new(writer, 0)?;
        encoder.include_checksum(true)?;
        io::copy(&mut plain, &mut encoder)?;
        encoder.finish().map(drop)
    })?;
    file.commit()?;
    fs::remove_file(&path).map_err(|source| Error::io("remove", &path, source))?;
    let metadata = fs::metadata(&packed).map_err(|source| Error::io("read", &packed, source))?;
    Ok(metadata.len())
}

/// Unpacks a packed journal, for whoever has the folder for himself.
pub(super) fn unpack(folder: &Path) -> Result<()> {
    let (path, packed) = (journal::path(folder), packed_path(folder));
    if !packed.exists() {
        return Ok(());
    }
    if !path.exists() {
        write_unpacked(&packed, &path)?;
    }
    fs::remove_file(&packed).map_err(|source| Error::io("remove", &packed, source))
}

#[cfg(feature = "packed")]
fn write_unpacked(packed: &Path, path: &Path) -> Result<()> {
    let mut reader = decoder(packed)?;
    let mut file = AtomicFile::create(path)?;
    let mut block = vec![0; 1 << 16];
    loop {
        // Whose fault an error is, the packed file's or that of the disk, is told by its name.
        let n_read = reader.read(&mut block).map_err(|source| Error::io("unpack", packed, source))?;
        if n_read == 0 {
            return file.commit();
        }
        file.write_with(|writer| io::Write::write_all(writer, &block[..n_read]))?;
    }
}

/// A journal for reading, packed or not.
pub(in crate::pipeline) fn reader(folder: &Path) -> Result<(PathBuf, Box<dyn BufRead + Send>)> {
    let (path, packed) = (journal::path(folder), packed_path(folder));
    if !path.exists() && packed.exists() {
        let reader = decoder(&packed)?;
        return Ok((packed, reader));
    }
    let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
    Ok((path, Box::new(BufReader::with_capacity(1 << 16, file))))
}

#[cfg(feature = "packed")]
fn decoder(packed: &Path) -> Result<Box<dyn BufRead + Send>> {
    let io_error = |source| Error::io("unpack", packed, source);
    let decoder = zstd::stream::read::Decoder::new(File::open(packed).map_err(io_error)?).map_err(io_error)?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, decoder)))
}

#[cfg(not(feature = "packed"))]
fn decoder(packed: &Path) -> Result<Box<dyn BufRead + Send>> {
    let reason = "it is packed: the feature `packed` of this crate reads it, and so does `unzstd --rm`";
    Err(Error::io("unpack", packed, io::Error::new(io::ErrorKind::Unsupported, reason)))
}

#[cfg(not(feature = "packed"))]
fn write_unpacked(packed: &Path, _: &Path) -> Result<()> {
    decoder(packed).map(drop)
}
