//! Inputs that are packed, or that can be read but once: unpacked into an unnamed file, then read like any other.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use crate::annotation::InputProblem;
use crate::annotation::packing::{MAGIC_BYTES, Packing, packing};

/// What is packed in a file, or `None` if it is not packed. `member` names the file of an archive; without it, an
/// archive must hold one file of JSON.
pub(super) fn unpack(file: &File, member: Option<&str>) -> Result<Option<File>, InputProblem> {
    let mut file = file;
    let mut start = Vec::new();
    file.take(MAGIC_BYTES).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    match packing(&start) {
        None => Ok(None),
        Some(Packing::Zip) => unpack_member(file, member).map(Some),
        Some(packing) => unpack_stream(packing, BufReader::new(file)).map(Some),
    }
}

/// All that a reader gives, unpacked if need be.
pub(super) fn copy(mut reader: impl Read) -> Result<File, InputProblem> {
    let mut start = Vec::new();
    reader.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
    let packing = packing(&start);
    let whole = start.chain(reader);
    match packing {
        Some(Packing::Zip) => unpack_member(&to_file(whole)?, None),
        Some(packing) => unpack_stream(packing, BufReader::new(whole)),
        None => Ok(to_file(whole)?),
    }
}

fn unpack_stream(packing: Packing, packed: impl io::BufRead) -> Result<File, InputProblem> {
    let file = match packing {
        Packing::Zstd => zstd::stream::read::Decoder::with_buffer(packed).and_then(to_file),
        _ => to_file(MultiGzDecoder::new(packed)),
    };
    file.map_err(InputProblem::Unpack)
}

fn unpack_member(file: &File, member: Option<&str>) -> Result<File, InputProblem> {
    let in_archive = |error: zip::result::ZipError| InputProblem::Unpack(error.into());
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(in_archive)?;
    let name = match member {
        Some(member) => member.to_owned(),
        None => only_json(&archive)?,
    };
    let member = archive.by_name(&name).map_err(in_archive)?;
    to_file(member).map_err(InputProblem::Unpack)
}

fn only_json<R>(archive: &ZipArchive<R>) -> Result<String, InputProblem>
where
    R: Read + Seek,
{
    // What macOS adds beside each file is no file of its own.
    let is_json = |name: &&str| name.ends_with(".json") && !name.starts_with("__MACOSX/");
    let mut names: Vec<&str> = archive.file_names().filter(is_json).collect();
    names.sort_unstable();
    match names.as_slice() {
        [name] => Ok((*name).to_owned()),
        names => Err(InputProblem::Members { names: names.join(", ") }),
    }
}

fn to_file(mut reader: impl Read) -> io::Result<File> {
    let mut writer = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
    io::copy(&mut reader, &mut writer)?;
    writer.flush()?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}
