//! Images that a browser fetches: they are seen, boxes lie over them, and nothing but them is fetched.

use std::path::{Path, PathBuf};

use futures::executor::block_on;
use serde_json::{Value, json};
use svitgen::llm::RuleLlm;
use svitgen::pipeline::RunFolder;
use svitgen::report::{Images, Report};
use svitgen::{ImageRecord, ImageSize, Pipeline, Task, UnitBox};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::image_server::ImageServer;

/// The box of every record here, as fractions.
const BOX: [f64; 4] = [0.25, 0.5, 0.75, 0.875];

fn record(id: &str, url: Option<&str>, file: Option<&str>) -> ImageRecord {
    let [x1, y1, x2, y2] = BOX;
    let builder = ImageRecord::builder(id).size(ImageSize::new(640, 480).unwrap()).caption("A dog on a lawn.");
    let builder = builder.object("dog", UnitBox::new(x1, y1, x2, y2).unwrap());
    let mut record = builder.build();
    record.image.url = url.map(str::to_owned);
    record.image.file = file.map(str::to_owned);
    record
}

/// The page about a run over these records.
fn page(folder: &Path, records: &Vec<ImageRecord>, images: Images) -> PathBuf {
    let pipeline = Pipeline::builder(RuleLlm::new()).task(Task::detail_description()).build().unwrap();
    block_on(pipeline.run(records, folder.join("run"))).unwrap();
    let path = folder.join("report.html");
    let run = RunFolder::open(folder.join("run")).unwrap();
    Report::new(&run).with_source(records).with_images(images).write(&path).unwrap();
    path
}

/// Where the images of a page are said to be.
fn addresses(browser: &mut Browser) -> Vec<String> {
    let found = browser.evaluate("[...document.querySelectorAll('img')].map((i) => i.getAttribute('src'))");
    found.as_array().unwrap().iter().map(|src| src.as_str().unwrap().to_owned()).collect()
}

/// Has every image come into view, for only then is it fetched, and waits until it is there.
fn see_all(browser: &mut Browser) {
    let n_images = addresses(browser).len();
    for index in 0..n_images {
        browser.evaluate(&format!("document.querySelectorAll('img')[{index}].scrollIntoView({{block: 'center'}})"));
        browser.wait(&format!("document.querySelectorAll('img')[{index}].complete"));
    }
}

#[test]
fn images_are_fetched_from_one_address_and_lie_under_their_boxes() {
    let Some(mut browser) = Browser::start() else { return };
    let server = ImageServer::start("");
    let base = format!("{}/visual genome", server.url());
    let records = vec![
        record("a", Some("https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg"), None),
        record("b", None, Some("kitchens/seven \"7\".jpg")),
        record("c", None, None),
    ];
    let folder = TempDir::new().unwrap();
    let path = page(folder.path(), &records, Images::from_argument(&format!("{base}/")));
    for (width, scheme) in [(1280, "light"), (390, "dark")] {
        browser.look(width, 900, scheme);
        browser.open(&path, "#gallery");
        see_all(&mut browser);
        let n_seen = "[...document.querySelectorAll('img')].filter((i) => i.naturalWidth === 64).length";
        assert_eq!(browser.evaluate(n_seen), json!(3));
        boxes_lie_over_it(&mut browser);
        browser.evaluate("document.querySelector('article.card').scrollIntoView()");
        browser.screenshot(&format!("fetched-{width}-{scheme}"));
        let is_too_wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(is_too_wide, json!(false), "{width}");
        browser.assert_quiet_but(&format!("{}/", server.url()));
    }
    assert_eq!(
        server.asked(),
        ["/visual%20genome/VG_100K_2/1.jpg", "/visual%20genome/c.jpg", "/visual%20genome/kitchens/seven%20%227%22.jpg"]
    );
}

/// The layer covers the image, the box is where its fractions say, and it is above the image.
fn boxes_lie_over_it(browser: &mut Browser) {
    let places = browser.evaluate(
        "(() => { const place = (e) => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }; \
         const image = document.querySelector('img'); image.scrollIntoView({block: 'center'}); \
         const box = image.parentElement.querySelector('.layer g.object rect'); const r = box.getBoundingClientRect(); \
         const stack = document.elementsFromPoint(r.x + 1, r.y + r.height / 2); \
         return [place(image), place(image.parentElement.querySelector('.layer')), place(box), \
         stack.indexOf(box) >= 0 && stack.indexOf(box) < stack.indexOf(image)]; })()",
    );
    let place = |index: usize| -> Vec<f64> {
        places[index].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let (image, layer, found) = (place(0), place(1), place(2));
    let [x1, y1, x2, y2] = BOX;
    let [x, y, width, height] = [image[0], image[1], image[2], image[3]];
    assert!(width > 200.0 && (width / height - 4.0 / 3.0).abs() < 0.02, "{places}");
    let expected = [x + x1 * width, y + y1 * height, (x2 - x1) * width, (y2 - y1) * height];
    // Strokes and rounding to tenths of a percent move an edge by little.
    let is_near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 3.0);
    assert!(is_near(&image, &layer) && is_near(&found, &expected), "{places}, not {expected:?}");
    assert_eq!(places[3], Value::Bool(true), "{places}");
}

/// What records that strangers wrote may say about where their image is.
const HOSTILE: &[&str] = &[
    "javascript:window.pwned=1",
    "javascript://%0awindow.pwned=2/a/b.jpg",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=3'/>",
    "data:text/html/a/b,<script>window.pwned=4</script>",
    "file:///etc/passwd",
    "file:///etc/hostname/x.png",
    "OTHER/steal/1.jpg?cookie=1#here",
    "//OTHER_HOST/steal/2.jpg",
    "/../../steal/3.jpg",
    "\\\\OTHER_HOST\\steal\\4.jpg",
    "blob:OTHER/steal/5.jpg",
    "a/b.jpg\" onerror=\"window.pwned=6",
    "a/%2e%2e/%2e%2e/b.jpg",
    "a/@OTHER_HOST",
];

#[test]
fn addresses_of_strangers_are_never_followed() {
    let Some(mut browser) = Browser::start() else { return };
    let other = ImageServer::start("");
    let server = ImageServer::start(&other.url());
    let base = format!("{}/images", server.url());
    let host = other.url().replace("http://", "");
    let mut records = vec![record("sent-elsewhere", None, Some("redirected/6.jpg"))];
    for (index, text) in HOSTILE.iter().enumerate() {
        let text = text.replace("OTHER_HOST", &host).replace("OTHER", &other.url());
        records.push(record(&format!("url-{index}"), Some(&text), None));
        records.push(record(&format!("file-{index}"), None, Some(&text)));
        records.push(record(&text, None, None));
    }
    let folder = TempDir::new().unwrap();
    let path = page(folder.path(), &records, Images::from_argument(&base));
    browser.look(1280, 900, "light");
    browser.open(&path, "#gallery");
    // All pages of the gallery.
    browser.evaluate("document.querySelectorAll('article.card').forEach((c) => c.hidden = false)");
    let addresses = addresses(&mut browser);
    assert_eq!(addresses.len(), records.len());
    for address in &addresses {
        let below = address.strip_prefix(&format!("{base}/")).unwrap_or_else(|| panic!("{address}"));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '%');
        assert!(
            below.chars().all(is_plain) && !below.split('/').any(|part| matches!(part, "" | "." | "..")),
            "{below}"
        );
    }
    see_all(&mut browser);
    assert_eq!(browser.evaluate("typeof window.pwned"), json!("undefined"));
    browser.screenshot("hostile-addresses");
    // The one that is sent elsewhere is not fetched there: the page may load from one origin only.
    assert!(server.asked().contains(&"/images/redirected/6.jpg".to_owned()));
    assert!(server.asked().iter().all(|path| path.starts_with("/images/")), "{:?}", server.asked());
    assert_eq!(other.asked(), [""; 0]);
}

#[test]
fn only_addresses_of_the_web_are_addresses() {
    let folder = TempDir::new().unwrap();
    let records = vec![record("a", None, None)];
    for images in ["javascript:alert(1)//", "data:image/png;base64,AAAA", "file:///etc", "ftp://host/a", "//host/a"] {
        let path = page(folder.path(), &records, Images::from_argument(images));
        let page = std::fs::read_to_string(path).unwrap();
        assert!(!page.contains("<img") && page.contains("img-src data:;"), "{images}");
    }
    let path = page(folder.path(), &records, Images::from_argument("https://host.example/a"));
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page.contains("<img src=\"https://host.example/a/a.jpg\"")
            && page.contains("img-src data: https://host.example;")
    );
}
