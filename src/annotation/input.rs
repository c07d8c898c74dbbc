//! Inputs: a file that is read by position, or bytes in memory.

use std::borrow::Cow;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::annotation::InputProblem;
#[cfg(feature = "packed")]
use crate::annotation::packed;
#[cfg(not(feature = "packed"))]
use crate::annotation::packing::{MAGIC_BYTES, packing};
use crate::annotation::problem::Fault;
use crate::error::{Error, Result};

/// A file or bytes to read annotations from. A clone reads the same.
#[derive(Clone)]
pub struct Input {
    name: PathBuf,
    len: u64,
    data: Data,
}

#[derive(Clone)]
enum Data {
    File {
        file: Arc<File>,
        /// Nanoseconds from 1970, 0 where the file system does not tell; `None` for a file that nobody else can change.
        modified: Option<u64>,
    },
    Bytes(Arc<Cow<'static, [u8]>>),
}

impl Input {
    /// A file, which must not change while it is read.
    ///
    /// With the feature `packed`, a file that is packed by gzip or zstd, an archive (zip) that holds one file of JSON,
    /// and a pipe are unpacked or copied into an unnamed file first, which takes as much room on the disk of temporary
    /// files as they hold. How a file is packed is told by its contents. Sizes and digests are those of what it holds.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be opened, [`ErrorKind::Input`](crate::ErrorKind::Input) if
    /// it is packed and cannot be unpacked.
    pub fn path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io_error = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if metadata.is_dir() {
            return Err(io_error(io::ErrorKind::IsADirectory.into()));
        }
        if let Some(unpacked) = unpacked(path, &file, &metadata, None)? {
            return Self::own_file(path, unpacked);
        }
        let data = Data::File { modified: Some(modified(&metadata)), file: Arc::new(file) };
        Ok(Self { name: path.to_owned(), len: metadata.len(), data })
    }

    /// A file of an archive (zip), by its path in the archive; with the feature `packed`.
    ///
    /// # Errors
    /// As [`path`](Self::path); also if the archive holds no such file.
    #[cfg(feature = "packed")]
    pub fn member(archive: impl AsRef<Path>, member: &str) -> Result<Self> {
        let path = archive.as_ref();
        let io_error = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        let name = path.join(member);
        match unpacked(path, &file, &metadata, Some(member))? {
            Some(unpacked) => Self::own_file(&name, unpacked),
            None => Err(io_error(io::Error::new(io::ErrorKind::InvalidData, "it is no archive"))),
        }
    }

    /// All that a reader gives, such as the standard input, copied into an unnamed file and unpacked if need be; with the
    /// feature `packed`. `name` stands for the file in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) if it cannot be read or unpacked.
    #[cfg(feature = "packed")]
    pub fn reader(name: impl Into<PathBuf>, reader: impl io::Read) -> Result<Self> {
        let name = name.into();
        let copied = packed::copy(reader).map_err(|problem| Fault::new(0, problem).in_file(&name, None))?;
        Self::own_file(&name, copied)
    }

    /// A file that nobody else has.
    fn own_file(name: &Path, file: File) -> Result<Self> {
        let len = file.metadata().map_err(|source| Error::io("read", name, source))?.len();
        Ok(Self { name: name.to_owned(), len, data: Data::File { file: Arc::new(file), modified: None } })
    }

    /// Bytes in memory; `name` stands for the file in messages.
    pub fn bytes(name: impl Into<PathBuf>, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self { name: name.into(), len: bytes.len() as u64, data: Data::Bytes(Arc::new(bytes)) }
    }

    /// The path, or the name given to bytes.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Size in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.len
    }

    /// Fills `buffer` from `offset` on, as far as there are bytes; returns how many there were.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.data {
            Data::Bytes(bytes) => {
                let start = bytes.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
                let n = buffer.len().min(bytes.len() - start);
                buffer[..n].copy_from_slice(&bytes[start..start + n]);
                Ok(n)
            }
            Data::File { file, .. } => {
                let mut n = 0;
                while n < buffer.len() {
                    match read_file_at(file, offset + n as u64, &mut buffer[n..]) {
                        Ok(0) => break,
                        Ok(n_read) => n += n_read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(n)
            }
        }
    }

    /// When a file was modified last, as of when it was opened, in nanoseconds from 1970; `None` for bytes
    /// and for what was unpacked.
    pub(super) fn modified(&self) -> Option<u64> {
        match self.data {
            Data::File { modified, .. } => modified,
            Data::Bytes(_) => None,
        }
    }

    /// Makes sure that a file is the one that was opened: what was found in it would stand elsewhere now.
    pub(super) fn check_unchanged(&self) -> Result<(), InputProblem> {
        let Data::File { file, modified: Some(before) } = &self.data else { return Ok(()) };
        let metadata = file.metadata()?;
        if metadata.len() == self.len && modified(&metadata) == *before {
            return Ok(());
        }
        Err(InputProblem::Changed)
    }

    /// Reads a part into `buffer`, which takes its size.
    pub(super) fn read_part(&self, offset: u64, len: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.resize(len, 0);
        if self.read_at(offset, buffer)? == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The contents of a packed file or a pipe; `None` for any other file.
#[cfg(feature = "packed")]
fn unpacked(path: &Path, file: &File, metadata: &Metadata, member: Option<&str>) -> Result<Option<File>> {
    let unpacked = if metadata.is_file() { packed::unpack(file, member) } else { packed::copy(file).map(Some) };
    Ok(unpacked.map_err(|problem| Fault::new(0, problem).in_file(path, None))?)
}

/// A packed file is told from a damaged one.
#[cfg(not(feature = "packed"))]
fn unpacked(path: &Path, file: &File, metadata: &Metadata, _: Option<&str>) -> Result<Option<File>> {
    let mut start = [0; MAGIC_BYTES as usize];
    let is_packed =
        metadata.is_file() && read_file_at(file, 0, &mut start).is_ok_and(|n_read| packing(&start[..n_read]).is_some());
    if is_packed {
        return Err(Fault::new(0, InputProblem::Packed).in_file(path, None).into());
    }
    Ok(None)
}

fn modified(metadata: &Metadata) -> u64 {
    let since_1970 = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    // Enough for the next 500 years.
    since_1970.map_or(0, |time| time.as_nanos() as u64)
}

#[cfg(unix)]
fn read_file_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_file_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("name", &self.name).field("n_bytes", &self.len).finish_non_exhaustive()
    }
}
