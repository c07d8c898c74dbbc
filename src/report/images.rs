//! Where the images of a report come from.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Largest image that is put into a report.
const MAX_IMAGE: u64 = 2 << 20;

/// Where the images of a report come from; without them, boxes are drawn on an empty canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Images {
    /// There are none.
    #[default]
    None,
    /// JPEG, PNG, GIF and WebP files below a folder; they are put into the report, up to 2 MiB each.
    Folder(PathBuf),
    /// Images below an address, such as `https://cs.stanford.edu/people/rak248`: a browser fetches them when the report
    /// is looked at.
    Url(String),
}

impl Images {
    /// A folder, or an address if it starts with `https://` or `http://`.
    pub fn from_argument(argument: &str) -> Self {
        if argument.starts_with("https://") || argument.starts_with("http://") {
            Self::Url(argument.trim_end_matches('/').to_owned())
        } else {
            Self::Folder(argument.into())
        }
    }

    /// The one origin from which a page may load images; `None` for addresses that are none.
    pub(super) fn origin(&self) -> Option<&str> {
        let Self::Url(url) = self else { return None };
        let host_from = url.find("://")? + 3;
        let end = url[host_from..].find(['/', '?', '#']).map_or(url.len(), |found| host_from + found);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let host = &url[host_from..end];
        (!host.is_empty() && host.chars().all(is_plain)).then_some(&url[..end])
    }

    /// What stands in `src` for the image at this path below the folder of images.
    pub(super) fn address(&self, path: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Folder(folder) => embedded(folder, path),
            Self::Url(url) => self.origin().map(|_| format!("{url}/{}", encoded(path))),
        }
    }
}

fn embedded(folder: &Path, path: &str) -> Option<String> {
    // The path may come from a file that anybody wrote: it must not lead out of the folder.
    let is_below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let path = folder.join(path);
    let is_small = || fs::metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_IMAGE);
    if !is_below || !is_small() {
        return None;
    }
    let bytes = fs::read(&path).ok()?;
    Some(format!("data:{};base64,{}", media_type(&bytes)?, base64(&bytes)))
}

/// By the first bytes; a browser is never given anything but an image of pixels.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return None,
    })
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_there = digit <= chunk.len();
            text.push(if is_there { DIGITS[(bits >> (18 - 6 * digit) & 63) as usize] as char } else { '=' });
        }
    }
    text
}

/// A path as part of an address: everything but plain characters by its bytes.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            text.push(byte as char);
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_all_lengths() {
        assert_eq!(
            ["", "M", "Ma", "Man", "Many"].map(|text| base64(text.as_bytes())),
            ["", "TQ==", "TWE=", "TWFu", "TWFueQ=="]
        );
    }

    #[test]
    fn only_one_origin_may_be_loaded_from() {
        let origin = |url: &str| Images::from_argument(url).origin().map(str::to_owned);
        assert_eq!(origin("https://images.example:8080/a b/").as_deref(), Some("https://images.example:8080"));
        assert_eq!(origin("https://x; script-src *"), None);
        assert_eq!(origin("images"), None);
        let images = Images::from_argument("https://host/vg/");
        assert_eq!(images.address("VG_100K/1\".jpg?x").as_deref(), Some("https://host/vg/VG_100K/1%22.jpg%3Fx"));
    }

    #[test]
    fn nothing_outside_the_folder_and_nothing_but_images() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let inside = folder.path().join("inside");
        fs::create_dir(&inside)?;
        fs::write(folder.path().join("secret.png"), b"\x89PNG")?;
        fs::write(inside.join("a.png"), b"\x89PNG")?;
        fs::write(inside.join("b.png"), b"<svg onload='x'>")?;
        let images = Images::Folder(inside);
        assert_eq!(images.address("a.png").as_deref(), Some("data:image/png;base64,iVBORw=="));
        for path in ["b.png", "../secret.png", "/etc/passwd", "gone.png", ""] {
            assert_eq!(images.address(path), None, "{path}");
        }
        Ok(())
    }
}
