//! The document around a report: its policy, its style, its script.

use crate::report::html::Html;
use crate::report::images::Images;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// SHA-256 of the style and the script: the policy lets no other one in. The test below says what they are.
const STYLE_HASH: &str = "sha256-p9IUqbcT62CqY/NG5UNFQWfn5dj14O/cZ3v6dD4da28=";
const SCRIPT_HASH: &str = "sha256-9/pr1jCa81ozp0Pdep/ooTmgo9bjrfxBDTCtESFvcxw=";

/// A whole document.
pub(super) fn document(title: &str, images: &Images, body: &Html) -> String {
    let mut html = Html::default();
    html.markup("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    // Before anything else, so that it holds for everything.
    html.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy(images))]);
    html.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    html.open("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    html.open("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    html.open("link", &[("rel", "icon"), ("href", "data:,")]).element("title", &[], title);
    html.markup("<style>").markup(STYLE).markup("</style></head><body>\n").append(body);
    html.markup("<script>").markup(SCRIPT).markup("</script></body></html>\n");
    html.into_string()
}

/// Nothing is loaded or run but our style and script, images that are part of the page, and those of one origin if the
/// user named one.
fn policy(images: &Images) -> String {
    let origin = images.origin().map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src '{SCRIPT_HASH}'; style-src '{STYLE_HASH}'; img-src data:{origin}; \
         base-uri 'none'; form-action 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_lets_in_our_style_and_script() {
        for (text, hash) in [(STYLE, STYLE_HASH), (SCRIPT, SCRIPT_HASH)] {
            let is = format!("sha256-{}", crate::report::images::base64(&Sha256::digest(text)));
            assert_eq!(hash, is, "the file has changed; this is its hash now");
            assert!(!text.contains("</"), "it would end its element");
        }
    }
}
