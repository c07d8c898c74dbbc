//! Folders that cannot be written: full, read-only, gone.

use std::path::Path;
use std::process::Command;
use std::{fs, thread, time::Duration};

use crate::program::{Ended, Run};
use crate::server::Server;
use crate::support::say;

const N_IMAGES: usize = 120;
const CONCURRENCY: usize = 8;
const ARGUMENTS: [&str; 4] = ["--model", "m", "--concurrency", "8"];

/// A small disk in memory, taken away when it is dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// A disk of so many KiB, or `None`, said aloud, where nobody may mount one.
    fn new(kib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"], folder.path());
        if !mounted {
            say("skipped: a small disk cannot be mounted here");
        }
        mounted.then_some(Self { folder })
    }

    fn remount(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], self.folder.path()));
    }

    fn run(&self) -> Run {
        Run::new(N_IMAGES).in_folder(self.folder.path().join("run"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.folder.path()).status().ok();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(folder).output();
    output.is_ok_and(|output| output.status.success())
}

fn server() -> Option<Server> {
    Server::start(&["--latency-ms", "5", "--reply-bytes", "3000"])
}

fn assert_says_which_file(ended: &Ended, run: &Run) {
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains(&run.folder().display().to_string()), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room() {
    let Some(calm) = server() else { return };
    let undisturbed = Run::new(N_IMAGES);
    undisturbed.succeed(&calm.base_url(), &ARGUMENTS);
    // Room for next to nothing, for a part of the journal, for all of it but not for the outputs.
    for kib in [16, 160, 320, 640] {
        let Some(disk) = Disk::new(kib) else { return };
        let Some(server) = server() else { return };
        let run = disk.run();
        let ended = run.finish(&server.base_url(), &ARGUMENTS);
        assert_says_which_file(&ended, &run);
        let n_paid = server.log().iter().filter(|request| request.is_paid()).count();
        let n_journaled = if run.folder().join("journal.jsonl").exists() { run.journal().ids.len() } else { 0 };
        assert!(n_paid - n_journaled <= CONCURRENCY, "{kib} KiB: {n_paid} paid, {n_journaled} journaled");

        disk.remount("size=16m");
        run.succeed(&server.base_url(), &ARGUMENTS);
        assert_eq!(run.data(), undisturbed.data());
        assert_eq!(run.ledger().accepted, N_IMAGES as u64);
        let n_paid_in_all = server.log().iter().filter(|request| request.is_paid()).count();
        assert!(n_paid_in_all <= N_IMAGES + CONCURRENCY, "{n_paid_in_all}");
        say(format_args!("{kib} KiB: stopped at {n_journaled} journaled of {n_paid} paid; {n_paid_in_all} in the end"));
    }
}

#[test]
fn a_read_only_folder_is_told_before_anything_is_sent() {
    let Some(disk) = Disk::new(4096) else { return };
    let Some(server) = server() else { return };
    let run = disk.run();
    disk.remount("ro");
    assert_says_which_file(&run.finish(&server.base_url(), &ARGUMENTS), &run);
    assert_eq!(server.n_requests(), 0);
    disk.remount("rw");
    run.succeed(&server.base_url(), &ARGUMENTS);
    disk.remount("ro");
    assert_says_which_file(&run.finish(&server.base_url(), &ARGUMENTS), &run);
    assert_eq!(server.n_requests(), N_IMAGES, "nothing was asked again");
}

#[test]
fn a_folder_that_is_deleted_under_the_run_is_told() {
    let Some(server) = Server::start(&["--latency-ms", "100", "--reply-bytes", "800"]) else { return };
    let run = Run::new(N_IMAGES);
    let child = run.start(&server.base_url(), &ARGUMENTS);
    server.wait_for_requests(10);
    // Files that come while it is emptied make it fail.
    for _ in 0..200 {
        if fs::remove_dir_all(run.folder()).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert_says_which_file(&run.end(child), &run);
    run.succeed(&server.base_url(), &ARGUMENTS);
    assert_eq!(run.ledger().accepted, N_IMAGES as u64);
}
