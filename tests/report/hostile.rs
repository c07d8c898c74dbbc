//! A run in which every text is an attack: replies, captions, names, phrases, addresses, ids.

use std::path::Path;

use futures::executor::block_on;
use serde_json::json;
use svitgen::llm::{Completion, CompletionRequest, FinishReason, LlmError, LlmErrorKind, MockLlm};
use svitgen::pipeline::RunFolder;
use svitgen::report::{Report, RunDiff};
use svitgen::{ImageRecord, ImageSize, Pipeline, Policy, Task, UnitBox};
use tempfile::TempDir;

use crate::browser::Browser;

/// Ways out of a text, an attribute, a script, a comment, a style, a template or the order of reading.
const ATTACKS: &[&str] = &[
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=\"window.pwned=2\">",
    "<svg/onload=window.pwned=3>",
    "\" onmouseover=\"window.pwned=4\" autofocus onfocus=\"window.pwned=5",
    "' onmouseover='window.pwned=6' x='",
    "<a href=\"javascript:window.pwned=7\">x</a> javascript:window.pwned=8",
    "<iframe srcdoc=\"<script>parent.pwned=9</script>\"></iframe>",
    "--><!--<script>window.pwned=10</script>-->",
    "</style><style>*{display:none!important}@import 'http://evil.test/x.css'</style>",
    "</title></textarea></noscript></pre></table><script>window.pwned=11</script>",
    "<meta http-equiv=refresh content=\"0;url=http://evil.test/\"><base href=http://evil.test/>",
    "<link rel=stylesheet href=http://evil.test/a.css><form action=http://evil.test/><input autofocus>",
    "{{constructor.constructor('window.pwned=12')()}} ${window.pwned=13} `${1}` \\u003cscript\\u003e",
    "&lt;script&gt;window.pwned=14&lt;/script&gt; &#60;script&#62; &NotEqualTilde;",
    "<![CDATA[<script>window.pwned=15</script>]]> <?php ?> <%= 1 %>",
    "\u{202E}txet desrever\u{2066}\u{200B}\u{FEFF}\u{0}\u{1}\u{1b}[31m\u{2028}\u{2029}\u{fffe}",
    "<st></mark><script>window.pwned=16</script><ed> [0.1, 0.2, 0.3, 0.4]",
];

fn attack(index: usize) -> String {
    ATTACKS[index % ATTACKS.len()].to_owned()
}

fn records() -> Vec<ImageRecord> {
    (0..ATTACKS.len())
        .map(|index| {
            let text = attack(index);
            let builder =
                if index % 3 == 0 { ImageRecord::builder(text.clone()) } else { ImageRecord::builder(index as u64) };
            builder
                .size(ImageSize::new(640, 480).unwrap())
                .url(format!("http://evil.test/{text}.jpg"))
                .caption(text.clone())
                .caption("W".repeat(3_000))
                .object(text.clone(), UnitBox::new(0.1, 0.2, 0.3, 0.4).unwrap())
                .object("dog", UnitBox::new(0.5, 0.2, 0.9, 0.8).unwrap())
                .region(text.clone(), UnitBox::new(0.0, 0.0, 1.0, 0.001).unwrap())
                .build()
        })
        .collect()
}

/// Replies of all shapes, each with an attack at every place.
fn reply(request: &CompletionRequest) -> Result<Completion, LlmError> {
    let n: usize = request.messages.iter().map(|message| message.content.len()).sum();
    let text = attack(n);
    let other = attack(n / 7);
    let huge = "Ж".repeat(50_000);
    let reply = match n % 6 {
        0 => format!("Question: What is {text}?\nAnswer: It is {other}.\nQuestion: Why {other}\nAnswer: {huge}"),
        1 => format!(
            "Question: Is the <st>{text}<ed> [0.100, 0.200, 0.300, 0.400] there?\nAnswer: Yes, <st>dog<ed> [0.5, 0.2, 0.9, \
             0.8] and <st>{other}<ed> [0.110, 0.210, 0.300, 0.400], [0.7, 0.7, 0.8, 0.8].\n{text}"
        ),
        2 => format!("Conversation 1: {text}\nUser: {other}?\nGPT: The caption says {text}.\nUser: So?\nGPT: {text}"),
        3 => format!("<think>{text}</think>{{\"pairs\": [{{\"question\": \"{text}\", \"answer\": \"{other}\"}}]}}"),
        4 => return Err(LlmError::new(LlmErrorKind::InvalidRequest, text)),
        _ => text.clone(),
    };
    let completion = Completion::new(reply).with_model(other).with_id(text.clone());
    Ok(completion.with_finish_reason(FinishReason::Other(text)))
}

fn hostile_run(folder: &Path, policy: Policy) -> RunFolder {
    let pipeline =
        Pipeline::builder(MockLlm::function(reply)).tasks(Task::built_in()).policy(policy).lint().build().unwrap();
    block_on(pipeline.run(&records(), folder)).unwrap();
    RunFolder::open(folder).unwrap()
}

/// What a page of ours holds, and nothing that a stranger could add.
const INTRUDERS: &str = "document.querySelectorAll('img, iframe, form, base, object, embed, style ~ style, script ~ script, \
    [onerror], [onload], [onmouseover], [onfocus], [autofocus], a[href]:not([href^=\"#\"]), link:not([rel=icon])').length";

#[test]
fn nothing_that_strangers_wrote_runs_loads_or_escapes() {
    let folder = TempDir::new().unwrap();
    let run = hostile_run(&folder.path().join("a"), Policy::salvage());
    let strict = hostile_run(&folder.path().join("b"), Policy::strict());
    let with = folder.path().join("with.html");
    let without = folder.path().join("without.html");
    let diff = folder.path().join("diff.html");
    let page = Report::new(&run).with_source(&records()).write(&with).unwrap();
    assert_eq!(page.n_shown as u64, page.n_units);
    for code in ["U+202E", "U+0000", "U+FFFE"] {
        assert!(page.html.contains(code), "{code}");
    }
    assert!(!page.html.contains(['\0', '\u{202E}', '\u{1b}', '\u{fffe}']));
    Report::new(&run).write(&without).unwrap();
    let compared = RunDiff::of([&run, &strict], 100).unwrap();
    assert!(!compared.to_string().contains(['\0', '\u{202E}', '\u{1b}']));
    compared.write_html(&diff).unwrap();

    let Some(mut browser) = Browser::start() else { return };
    for path in [&with, &without, &diff] {
        for width in [1280, 390] {
            browser.look(width, 900, "light");
            browser.open(path, "");
            browser.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)");
            browser.evaluate("document.querySelectorAll('article.card').forEach((c) => c.hidden = false)");
            assert_eq!(browser.evaluate("typeof window.pwned"), json!("undefined"));
            assert_eq!(browser.evaluate(INTRUDERS), json!(0), "{}", path.display());
            assert_eq!(browser.evaluate("document.scripts.length"), json!(1));
            assert_eq!(browser.evaluate("document.head.children.length"), json!(8));
            let is_too_wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(is_too_wide, json!(false), "{} {width}", path.display());
            browser.assert_quiet();
        }
    }
    browser.open(&with, "");
    // Every phrase is pointed at, every text is still there as text.
    browser.evaluate("document.querySelectorAll('mark, [data-boxes]').forEach((m) => m.focus())");
    browser.evaluate("document.querySelector('details').dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))");
    assert_eq!(browser.evaluate("document.body.textContent.includes('<svg/onload=window.pwned=3>')"), json!(true));
    browser.look(1280, 900, "light");
    browser.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)");
    browser.evaluate("document.querySelector('.reply .dropped').scrollIntoView({block: 'center'})");
    // Heights are known only once the cards on the way have been laid out.
    browser.assert_quiet();
    browser.evaluate("document.querySelector('.reply .dropped').scrollIntoView({block: 'center'})");
    browser.screenshot("hostile");
    assert_eq!(browser.evaluate("typeof window.pwned"), json!("undefined"));
    browser.assert_quiet();
}

#[test]
fn the_watch_sees_what_it_looks_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.html");
    for bad in [
        "<script>console.log('a word')</script>",
        "<img src='http://127.0.0.1:9/x.png'>",
        "<img src='beside.png'>",
        "<script>throw new Error('an error')</script>",
    ] {
        let Some(mut browser) = Browser::start() else { return };
        std::fs::write(&path, format!("<!DOCTYPE html><title>x</title>{bad}")).unwrap();
        browser.open(&path, "");
        let watch = std::panic::AssertUnwindSafe(|| browser.assert_quiet());
        assert!(std::panic::catch_unwind(watch).is_err(), "{bad}");
    }
}
