//! What is spent is known after a kill, whenever it came.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::pending;
use svitgen::llm::{Account, Budget, MockLlm, Money, Price, Prices, Spending, Usage};
use svitgen::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Parameters};

use crate::request;

const BOUND: u64 = 128 + 16 + 1 + 50;

fn ask() -> CompletionRequest {
    request("?").with_parameters(Parameters::default().with_model("m").with_max_tokens(50))
}

fn account(path: &Path) -> svitgen::Result<Account> {
    let one = Money::from_picodollars(1_000_000);
    Account::new().with_prices(Prices::none().with_price("m", Price::per_million(one, one))).with_file(path)
}

/// Opens the file to go on with it, and says what it knows.
fn spent(path: &Path) -> svitgen::Result<Spending> {
    Ok(account(path)?.spending())
}

fn tokens(spending: &Spending) -> u64 {
    spending.input_tokens + spending.output_tokens
}

/// Half of the requests are answered, one in four is not, one in four costs nothing.
fn replies() -> MockLlm {
    let answered = || Completion::new("A dog.").with_usage(Usage { input_tokens: 7, output_tokens: 3 });
    let failed = |kind| LlmError::new(kind, "as the test wants");
    let replies = (0..40).map(move |i| match i % 4 {
        0 | 2 => answered().into(),
        1 => failed(LlmErrorKind::Transient).into(),
        _ => failed(LlmErrorKind::RateLimited).into(),
    });
    MockLlm::script(replies)
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/budget.jsonl");
    (folder, path)
}

#[test]
fn what_is_spent_survives_a_restart() {
    let (_folder, path) = file();
    for restart in 1..=3 {
        let budget = Budget::new(replies(), account(&path).unwrap());
        for _ in 0..8 {
            let _ = block_on(budget.complete(&ask()));
        }
        assert_eq!(tokens(&budget.spending()), restart * (4 * 10 + 2 * BOUND));
    }
    let spending = spent(&path).unwrap();
    assert_eq!((spending.requests, spending.at_bound, spending.unpriced), (18, 6, 0));
    assert_eq!(spending.cost, Money::from_picodollars(tokens(&spending).into()));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1, "it is one line again");
}

#[test]
fn a_cap_holds_over_restarts() {
    let (_folder, path) = file();
    let mut n_answers = 0;
    for _ in 0..5 {
        let account = account(&path).unwrap().with_max_total_tokens(3 * BOUND);
        let budget = Budget::new(MockLlm::function(|_| "A dog."), account);
        n_answers += (0..2).filter(|_| block_on(budget.complete(&ask())).is_ok()).count();
    }
    assert_eq!(n_answers, 3);
}

#[test]
fn a_request_in_flight_counts_at_its_bound_after_a_kill() {
    let (folder, path) = file();
    let budget = Budget::new(MockLlm::script([]).with_delay(|_| pending()), account(&path).unwrap());
    let request = ask();
    let mut call = budget.complete(&request);
    assert!(call.as_mut().now_or_never().is_none());
    // What is on the disk now is what a kill would leave.
    let left = folder.path().join("left.jsonl");
    fs::copy(&path, &left).unwrap();
    assert_eq!(tokens(&Spending::read(&path).unwrap()), BOUND);
    let spending = spent(&left).unwrap();
    assert_eq!((tokens(&spending), spending.at_bound, spending.in_flight), (BOUND, 1, 0));
}

/// Each request is in the file before it is sent. So after a cut at any byte, the file knows every request whose line is
/// whole, at least at what it took; a line that is not whole is of a request that was not sent, or of an answer that was
/// not noted, which then counts at its bound.
#[test]
fn a_file_that_is_cut_anywhere_never_says_less_than_was_spent() {
    let (folder, path) = file();
    let budget = Budget::new(replies(), account(&path).unwrap());
    // By the length of the file when a request was sent or settled: what was truly spent until then.
    let mut truth = vec![(fs::metadata(&path).unwrap().len(), 0)];
    for i in 0..8 {
        let _ = block_on(budget.complete(&ask()));
        let took = [10, BOUND, 10, 0][i % 4];
        truth.push((fs::metadata(&path).unwrap().len(), truth[i].1 + took));
    }
    let whole = fs::read(&path).unwrap();
    let cut = folder.path().join("cut.jsonl");
    for len in 0..=whole.len() {
        fs::write(&cut, &whole[..len]).unwrap();
        let known = Spending::read(&cut);
        if (len as u64) < truth[0].0 {
            // The first line is made in one step with the file, so a kill cannot leave this.
            assert!(known.is_err() && account(&cut).is_err());
            assert_eq!(fs::read(&cut).unwrap(), &whole[..len], "a file that is not understood is left alone");
            continue;
        }
        let known = tokens(&known.unwrap());
        let n_settled = truth.iter().filter(|(end, _)| *end <= len as u64).count() - 1;
        let least = truth[n_settled].1;
        // The request after the last one that is settled is sent when its line is whole.
        let rest = &whole[truth[n_settled].0 as usize..len];
        let most = least + if rest.contains(&b'\n') { BOUND } else { 0 };
        assert_eq!(known, most, "cut at byte {len}");
        // Each opening makes the disk work, so only some cuts are gone on with.
        if len % 37 == 0 {
            assert_eq!(tokens(&spent(&cut).unwrap()), most, "cut at byte {len}");
        }
    }
}

#[test]
fn a_damaged_line_is_an_error_and_the_file_is_left_alone() {
    let (_folder, path) = file();
    let budget = Budget::new(replies(), account(&path).unwrap());
    for _ in 0..4 {
        let _ = block_on(budget.complete(&ask()));
    }
    drop(budget);
    let whole = fs::read(&path).unwrap();
    let line_ends: Vec<usize> = (0..whole.len()).filter(|i| whole[*i] == b'\n').collect();
    for line in 0..line_ends.len() - 1 {
        let mut damaged = whole.clone();
        damaged[line_ends[line] - 30] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let error = format!("{:?}", spent(&path).unwrap_err());
        assert!(error.contains("budget.jsonl") && error.contains("is damaged"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    // Garbage at the end is what a power cut leaves.
    let mut torn = whole.clone();
    torn.extend_from_slice(&[0; 700]);
    fs::write(&path, &torn).unwrap();
    assert_eq!(tokens(&spent(&path).unwrap()), 20 + BOUND);
}

#[test]
fn files_of_others_are_left_alone() {
    let (_folder, path) = file();
    fs::create_dir(path.parent().unwrap()).unwrap();
    for text in ["", "{\"models\": 3}", "{\"models\": 3}\n", "a\nb\n"] {
        fs::write(&path, text).unwrap();
        let error = format!("{:?}", spent(&path).unwrap_err());
        assert!(error.contains("budget.jsonl: it is no account"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert!(spent(&path.join("below")).is_err());
}

#[test]
fn a_file_belongs_to_one_account_at_a_time() {
    let (_folder, path) = file();
    let account = Arc::new(account(&path).unwrap());
    let error = format!("{:?}", spent(&path).unwrap_err());
    assert!(error.contains("another account has it open"), "{error}");
    account.sync().unwrap();
    drop(account);
    assert!(spent(&path).is_ok());
}

#[test]
fn a_past_without_prices_is_told_when_a_cap_in_money_comes() {
    let (_folder, path) = file();
    let open = || Account::new().with_file(&path).unwrap();
    let mock = MockLlm::function(|_| "A dog.");
    assert!(block_on(Budget::new(mock.clone(), open()).complete(&ask())).is_ok());
    let capped = open().with_max_cost("5".parse().unwrap());
    let request = request("?").with_parameters(Parameters::default().with_model("gpt-4o").with_max_tokens(50));
    let error = block_on(Budget::new(mock, capped).complete(&request)).unwrap_err();
    assert!(
        error.to_string().starts_with("budget: 1 request of this account went to models without a price"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn nothing_is_sent_once_the_file_is_deleted() {
    let (_folder, path) = file();
    let mock = MockLlm::function(|_| "A dog.");
    let budget = Budget::new(mock.clone(), account(&path).unwrap());
    assert!(block_on(budget.complete(&ask())).is_ok());
    fs::remove_file(&path).unwrap();
    let error = block_on(budget.complete(&ask())).unwrap_err();
    assert_eq!((error.kind(), mock.requests().len()), (LlmErrorKind::Storage, 1));
}
