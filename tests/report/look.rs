//! The report of the sample run in a browser: what is there, what the filters do, what lights up.

use serde_json::json;
use svitgen::report::{Report, RunDiff, TokenPrices};
use svitgen::{Policy, Task};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::{sample_run, sample_run_by};

const UNITS: &str = "[...document.querySelectorAll('section.unit')].filter((u) => u.offsetParent).length";

/// Sets a control as a user would.
fn set(browser: &mut Browser, id: &str, value: &str) {
    browser.evaluate(&format!(
        "(() => {{ const c = document.getElementById({id:?}); c.value = {value:?}; \
         c.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    ));
}

#[test]
fn the_report_of_the_sample_run() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let (run, source) = sample_run(folder.path());
    let path = folder.path().join("report.html");
    let prices = TokenPrices { input: 0.15, output: 0.6 };
    let page = Report::new(&run).with_source(&source).with_prices(prices).write(&path).unwrap();
    assert_eq!((page.n_shown, page.n_units), (40, 40));

    browser.look(1280, 900, "light");
    browser.open(&path, "");
    assert_eq!(browser.evaluate("document.querySelectorAll('article.card').length"), json!(10));
    assert_eq!(browser.evaluate(UNITS), json!(40));
    for words in ["40 inputs = 29 accepted", "count_short", "cost of 1,000 pairs", "How questions start"] {
        assert_eq!(browser.evaluate(&format!("document.body.innerText.includes({words:?})")), json!(true), "{words}");
    }
    browser.screenshot("desk-light");

    filters(&mut browser);
    phrases_light_their_boxes(&mut browser);
    browser.assert_quiet();

    browser.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)");
    browser.evaluate("document.querySelectorAll('article.card')[3].scrollIntoView()");
    browser.screenshot("desk-gallery-open");
    pictures_for_the_eye(&mut browser, &path);
    browser.assert_quiet();
}

fn filters(browser: &mut Browser) {
    for (id, value, expected) in [
        ("task", "referring_qa", 10),
        ("state", "rejected", 4),
        ("issue", "count_short", 7),
        ("object", "kite", 4),
        ("text", "KITES CAN BE SEEN", 2),
        ("text", "nothing says this", 0),
    ] {
        set(browser, id, value);
        assert_eq!(browser.evaluate(UNITS), json!(expected), "{id} {value}");
        let told = browser.evaluate("document.getElementById('found').textContent");
        assert!(told.as_str().unwrap().starts_with(&format!("{expected} unit")), "{told}");
        browser.evaluate("document.getElementById('reset').click()");
        assert_eq!(browser.evaluate(UNITS), json!(40));
    }
}

fn phrases_light_their_boxes(browser: &mut Browser) {
    browser.hover("section.unit[data-task=referring_qa] mark");
    browser.wait("document.querySelectorAll('.layer g.on').length >= 2");
    browser.hover("article:nth-of-type(4) section.unit[data-task=referring_qa] li:nth-of-type(2) .answer mark");
    browser.wait("document.querySelectorAll('.layer g.on').length >= 2");
    browser.screenshot("desk-hover");
    let lit =
        browser.evaluate("[...document.querySelectorAll('.layer g.on')].map((g) => g.getAttribute('class')).join()");
    assert!(lit.as_str().unwrap().contains("replied") && lit.as_str().unwrap().contains("object"), "{lit}");
    // The keyboard does the same.
    browser.evaluate("document.activeElement.blur()");
    browser.hover("h1");
    browser.wait("document.querySelectorAll('.layer g.on').length === 0");
    browser.evaluate("document.querySelector('section.unit[data-task=referring_qa] mark').focus()");
    browser.wait("document.querySelectorAll('.layer g.on').length >= 2");
    let reads = browser.evaluate("document.querySelector('section.unit[data-task=referring_qa] mark').textContent");
    assert!(reads.as_str().unwrap().contains("as in the prompt"), "{reads}");
}

fn pictures_for_the_eye(browser: &mut Browser, path: &std::path::Path) {
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
        browser.look(width, 1400, scheme);
        browser.open(path, "#gallery");
        browser.screenshot(&format!("gallery-{width}-{scheme}"));
        let is_too_wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(is_too_wide, json!(false), "{width}");
        browser.open(path, "");
        browser.screenshot(&format!("top-{width}-{scheme}"));
    }
    browser.evaluate("document.querySelector('section.unit mark').scrollIntoView()");
    browser.screenshot("phone-pairs");
}

#[test]
fn a_link_leads_to_one_sample_and_scripts_are_not_needed() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let (run, source) = sample_run(folder.path());
    let path = folder.path().join("report.html");
    let page = Report::new(&run).with_source(&source).write(&path).unwrap();
    // The last unit: with pages of twelve images it may be on a later one.
    let at = page.html.rfind("class=\"unit\" id=\"").unwrap() + "class=\"unit\" id=\"".len();
    let anchor = &page.html[at..at + 18];
    browser.look(390, 800, "dark");
    browser.open(&path, &format!("#{anchor}"));
    let top = format!("document.getElementById({anchor:?}).getBoundingClientRect().top");
    browser.wait(&format!("{top} >= 0 && {top} < innerHeight"));
    browser.assert_quiet();

    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&path, "");
    assert_eq!(browser.evaluate("document.querySelector('.filters').hidden"), json!(true));
    assert_eq!(browser.evaluate(UNITS), json!(40));
    browser.evaluate("document.querySelector('details.reply-details summary').click()");
    browser.wait("document.querySelector('details.reply-details pre').offsetHeight > 0");
    browser.assert_quiet();
}

#[test]
fn a_report_without_the_inputs_and_a_diff() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let (run, _) = sample_run(&folder.path().join("a"));
    let (strict, _) = sample_run_by(&folder.path().join("b"), Policy::strict());
    let path = folder.path().join("report.html");
    Report::new(&run).with_tasks([Task::conversation()]).write(&path).unwrap();
    browser.look(1280, 1000, "light");
    browser.open(&path, "#gallery");
    assert_eq!(browser.evaluate(UNITS), json!(40));
    assert_eq!(browser.evaluate("document.querySelectorAll('.layer .replied').length > 20"), json!(true));
    browser.screenshot("no-inputs");
    browser.assert_quiet();

    let path = folder.path().join("diff.html");
    RunDiff::of([&run, &strict], 20).unwrap().write_html(&path).unwrap();
    for width in [1280, 390] {
        browser.look(width, 1200, "light");
        browser.open(&path, "");
        browser.screenshot(&format!("diff-{width}"));
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth > innerWidth"), json!(false));
        assert_eq!(browser.evaluate("document.body.innerText.includes('policy.preset')"), json!(true));
        browser.assert_quiet();
    }
}
