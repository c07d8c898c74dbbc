//! Bodies that are too large.

use crate::program::Run;
use crate::server::Server;
use crate::support::say;

const N_IMAGES: usize = 12;

#[test]
fn huge_bodies_and_bombs_are_refused_and_asked_for_again() {
    for fault in ["huge", "gzip_bomb"] {
        let always = format!("{fault}=1");
        let arguments = ["--fault", &always, "--faulty-attempts", "1", "--huge-mb", "50", "--reply-bytes", "800"];
        let Some(server) = Server::start(&arguments) else { return };
        let run = Run::new(N_IMAGES);
        let ended = run.finish(&server.base_url(), &["--model", "m"]);
        assert_eq!(ended.code, Some(0), "{fault}: {}", ended.stderr);
        assert_eq!(run.ledger().accepted, N_IMAGES as u64, "{fault}");
        assert_eq!(server.n_requests(), 2 * N_IMAGES, "{fault}");
        say(format_args!("{fault}: {N_IMAGES} of 50 MB at a time; peak memory {} KiB", ended.peak_kib));
    }
}
