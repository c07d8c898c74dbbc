//! Packed files and pipes.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use svitgen::annotation::{Input, Jsonl, OnBadInput, VisualGenomeFiles};
use svitgen::{RecordSource, VisualGenome};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::made::{NAMES, in_memory, prompts, texts, write};
use crate::records;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn packed_files_hold_the_same() {
    let (folder, texts) = (tempfile::tempdir().unwrap(), texts(80, 2));
    let expected = in_memory(&texts).open().unwrap();
    file(folder.path(), "image_data.json.gz", &gzip(&texts[0]));
    file(folder.path(), "objects_v1_2.json.zst", &zstd(&texts[1]));
    let members =
        [("x/", ""), ("README.txt", "x"), ("x/region_descriptions.json", &texts[2]), ("__MACOSX/x/._r.json", "x")];
    file(folder.path(), "region_descriptions.json.zip", &archive(&members));
    let source = VisualGenome::open(folder.path()).unwrap();
    assert!(prompts(&source) == prompts(&expected));
    let names: Vec<String> = source.inputs().into_iter().map(|input| input.name).collect();
    assert_eq!(names, ["image_data.json.gz", "objects_v1_2.json.zst", "region_descriptions.json.zip"]);
    for (packed, plain) in source.inputs().iter().zip(expected.inputs()) {
        assert_eq!((packed.bytes, packed.digest), (plain.bytes, plain.digest));
    }
    // Nothing is kept of what is unpacked anew each time.
    let index = folder.path().join("index");
    VisualGenomeFiles::find(folder.path()).unwrap().with_index_folder(&index).open().unwrap();
    assert!(!index.exists());

    // Who has unpacked a file uses that.
    write(folder.path(), &texts);
    fs::remove_file(folder.path().join("objects_v1_2.json.zst")).unwrap();
    let names: Vec<String> = VisualGenome::open(folder.path()).unwrap().inputs().into_iter().map(|i| i.name).collect();
    assert_eq!(names, NAMES);
}

#[test]
fn gzip_in_several_parts_is_one_file() {
    let (first, second) = ("{\"id\": 1}\n", "{\"id\": 2}\n");
    let bytes = [gzip(first), gzip(second)].concat();
    let input = Input::reader("records.jsonl", bytes.as_slice()).unwrap();
    assert_eq!(records(&Jsonl::from_input(input, OnBadInput::Stop).unwrap()).unwrap().len(), 2);
}

#[test]
fn what_comes_through_a_pipe_is_read_once() {
    for bytes in
        [b"{\"id\": 1}\n".to_vec(), gzip("{\"id\": 1}"), zstd("{\"id\": 1}"), archive(&[("r.json", "{\"id\": 1}")])]
    {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&bytes).unwrap();
        drop(writer);
        let source = Jsonl::from_input(Input::reader("stdin", reader).unwrap(), OnBadInput::Stop).unwrap();
        assert_eq!((records(&source).unwrap().len(), records(&source).unwrap().len()), (1, 1));
    }
    let empty = Jsonl::from_input(Input::reader("stdin", std::io::empty()).unwrap(), OnBadInput::Stop);
    assert!(empty.unwrap_err().to_string().starts_with("stdin, line 1, byte 0: the file is empty"));
}

#[test]
fn one_file_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let members = [("annotations/a.json", "{\"id\": 1}"), ("annotations/b.json", "{\"id\": 2}\n{\"id\": 3}")];
    let path = file(folder.path(), "annotations.zip", &archive(&members));
    let input = Input::member(&path, "annotations/b.json").unwrap();
    assert!(input.name().ends_with("annotations.zip/annotations/b.json"));
    assert_eq!(records(&Jsonl::from_input(input, OnBadInput::Stop).unwrap()).unwrap().len(), 2);
    let error = Input::path(&path).unwrap_err().to_string();
    assert!(error.contains("holds annotations/a.json, annotations/b.json; name the one"), "{error}");
    assert!(Input::member(&path, "c.json").unwrap_err().to_string().contains("annotations.zip"));
    let plain = file(folder.path(), "plain.json", b"[]");
    assert!(Input::member(&plain, "c.json").is_err());
    let none = file(folder.path(), "none.zip", &archive(&[]));
    assert!(Input::path(&none).unwrap_err().to_string().contains("it holds none"));
}

#[test]
fn damaged_archives_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = &texts(40, 0)[1];
    for (name, whole) in
        [("a.json.gz", gzip(text)), ("a.json.zst", zstd(text)), ("a.json.zip", archive(&[("a.json", text)]))]
    {
        let path = file(folder.path(), name, &whole);
        assert_eq!(Input::path(&path).unwrap().n_bytes(), text.len() as u64);
        for len in [5, 20, whole.len() / 2, whole.len() - 3] {
            File::create(&path).unwrap().write_all(&whole[..len]).unwrap();
            let error = Input::path(&path).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("cannot be unpacked"), "{name}, {len} bytes: {error}");
        }
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x55;
        File::create(&path).unwrap().write_all(&flipped).unwrap();
        if let Ok(input) = Input::path(&path) {
            // zstd has no checksum unless it is asked for; then the text itself must show the damage or be whole.
            assert!(name.ends_with("zst"), "{name} of {} bytes", input.n_bytes());
        }
    }
}
