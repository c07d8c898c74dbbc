//! How many at a time, how many in a minute, and who is next.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{join_all, select_all};
use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Completion, Limit, Limits, LlmClient, LlmError, LlmErrorKind, MockLlm, MockReply, Retry, RetryPolicy, Timer, Usage,
};

use crate::request;

const SECOND: Duration = Duration::from_secs(1);

/// What a server saw.
#[derive(Default)]
struct Seen {
    n_running: usize,
    most_running: usize,
    arrivals: Vec<(Duration, String)>,
}

/// A server that takes a while, answers what it is asked, and refuses for rate above `room` at a time.
fn server(
    timer: &MockTimer,
    room: usize,
    latency: impl Fn(usize) -> Duration + Send + Sync + 'static,
) -> (MockLlm, Server) {
    let seen = Server::default();
    let (arriving, leaving, timer) = (seen.clone(), seen.clone(), timer.clone());
    let model = MockLlm::function(move |request| -> MockReply {
        let mut seen = leaving.lock().unwrap();
        let is_refused = seen.n_running > room;
        seen.n_running -= 1;
        let refusal = || LlmError::new(LlmErrorKind::RateLimited, "too many").with_retry_after(SECOND);
        if is_refused { refusal().into() } else { request.last_user_text().into() }
    })
    .with_delay(move |request| {
        let mut seen = arriving.lock().unwrap();
        seen.n_running += 1;
        seen.most_running = seen.most_running.max(seen.n_running);
        let text = request.last_user_text().to_owned();
        seen.arrivals.push((timer.now(), text));
        timer.sleep_until(timer.now() + latency(seen.arrivals.len()))
    });
    (model, seen)
}

type Server = Arc<Mutex<Seen>>;

#[test]
fn ten_thousand_calls_go_in_order_and_never_too_many_at_a_time() {
    let timer = MockTimer::new();
    let (model, seen) = server(&timer, usize::MAX, |n| Duration::from_millis(50 + n as u64 * 7919 % 100));
    let limit = Limit::new(model, Limits::fixed(32), timer.clone());
    let requests: Vec<_> = (0..10_000).map(|n| request(&n.to_string())).collect();
    let replies = timer.run(join_all(requests.iter().map(|request| limit.complete(request)))).unwrap();
    assert!(replies.iter().zip(&requests).all(|(reply, asked)| reply.as_ref().unwrap().text == asked.last_user_text()));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.most_running, 32);
    assert!(seen.arrivals.iter().enumerate().all(|(n, (_, text))| *text == n.to_string()), "not in order");
    // 10,000 calls of 0.1 s on average, 32 at a time; nothing idles in between.
    assert!(timer.now() < Duration::from_secs_f64(1.05 * 10_000.0 * 0.1 / 32.0), "{:?}", timer.now());
    assert_eq!((limit.activity().waiting, limit.activity().limit), (0, Some(32)));
}

#[test]
fn clones_share_and_activity_tells_who_waits() {
    let timer = MockTimer::new();
    let (model, seen) = server(&timer, usize::MAX, |_| SECOND);
    let limit = Limit::new(model, Limits::fixed(2), timer.clone());
    let others = limit.clone();
    let one = request("1");
    let mut calls: Vec<_> = [&limit, &others, &limit, &others, &limit].map(|limit| limit.complete(&one)).into();
    assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
    assert_eq!((others.activity().waiting, seen.lock().unwrap().n_running), (3, 2));
    timer.run(join_all(calls)).unwrap();
    assert_eq!((others.activity().waiting, timer.now()), (0, 3 * SECOND));
    assert_eq!(limit.name(), "mock");
}

#[test]
fn requests_are_spread_over_the_minute() {
    let timer = MockTimer::new();
    let (model, seen) = server(&timer, usize::MAX, |_| Duration::from_millis(10));
    let limit = Limit::new(model, Limits::adaptive(500).with_requests_per_minute(600), timer.clone());
    let requests: Vec<_> = (0..2_000).map(|n| request(&n.to_string())).collect();
    timer.run(join_all(requests.iter().map(|request| limit.complete(request)))).unwrap();
    let seen = seen.lock().unwrap();
    let minute = 60 * SECOND;
    for (n, (moment, text)) in seen.arrivals.iter().enumerate() {
        assert_eq!(*text, n.to_string());
        let n_of_minute = seen.arrivals[..=n].iter().rev().take_while(|(other, _)| *moment - *other < minute).count();
        assert!(n_of_minute <= 600, "{n_of_minute} in the minute before {moment:?}");
    }
    let last = seen.arrivals[1_999].0;
    assert!(last < Duration::from_secs(205), "{last:?} is slower than need be");
}

#[test]
fn tokens_are_reserved_and_corrected() {
    let timer = MockTimer::new();
    let answer = |_: &_| Completion::new("A dog.").with_usage(Usage { input_tokens: 90, output_tokens: 10 });
    let estimated_at_ten_times_too_much = Limits::fixed(1).with_tokens_per_minute(6_000).with_estimate(|_| 1_000);
    let limit = Limit::new(MockLlm::function(answer), estimated_at_ten_times_too_much, timer.clone());
    let one = request("?");
    let requests = vec![one; 300];
    timer
        .run(async {
            for request in &requests {
                limit.complete(request).await.unwrap();
            }
        })
        .unwrap();
    // 300 calls of 100 tokens at 6,000 a minute are 5 minutes; by the estimate they were 50.
    let minutes = timer.now().as_secs_f64() / 60.0;
    assert!((4.8..5.3).contains(&minutes), "{minutes}");
}

#[test]
fn tokens_that_were_estimated_too_low_or_are_nonsense_hold_the_next_ones_up_for_a_while() {
    let timer = MockTimer::new();
    let answer =
        |_: &_| Completion::new("A dog.").with_usage(Usage { input_tokens: u64::MAX, output_tokens: u64::MAX });
    let limit = Limit::new(MockLlm::function(answer), Limits::fixed(8).with_tokens_per_minute(6_000), timer.clone());
    let one = request("A question of a few tokens.");
    timer.run(limit.complete(&one)).unwrap().unwrap();
    timer.run(limit.complete(&one)).unwrap().unwrap();
    assert!((50..70).contains(&timer.now().as_secs()), "{:?}", timer.now());
}

#[test]
fn it_finds_the_room_that_a_server_has() {
    let timer = MockTimer::new();
    let (model, seen) = server(&timer, 40, |n| Duration::from_millis(190 + n as u64 * 7919 % 20));
    let limit = Limit::new(model.clone(), Limits::adaptive(200), timer.clone());
    let patient = Retry::new(limit.clone(), RetryPolicy::default(), timer.clone());
    let ask = |n: usize| {
        let patient = patient.clone();
        async move { patient.complete(&request(&n.to_string())).await }
    };
    let replies =
        timer.run(futures::stream::iter(0..4_000).map(ask).buffer_unordered(200).collect::<Vec<_>>()).unwrap();
    assert!(replies.iter().all(Result::is_ok));
    let size = limit.activity().limit.unwrap();
    assert!((20..=60).contains(&size), "{size} at a time");
    let n_refused = seen.lock().unwrap().arrivals.len() - 4_000;
    assert!(n_refused < 1_200, "{n_refused} refused");
}

#[test]
fn dropped_calls_make_room_wherever_they_are() {
    let timer = MockTimer::new();
    let (model, seen) = server(&timer, usize::MAX, |_| SECOND);
    let limits = Limits::fixed(2).with_requests_per_minute(60);
    let limit = Limit::new(model, limits, timer.clone());
    let requests: Vec<_> = (0..8).map(|n| request(&n.to_string())).collect();
    let mut calls: Vec<_> = requests.iter().map(|request| limit.complete(request)).collect();
    calls.iter_mut().for_each(|call| assert!(call.now_or_never().is_none()));
    // The first runs, the second has its alarm set, and the others stand behind it.
    drop(calls.remove(1));
    drop(calls.remove(0));
    drop(calls.remove(3));
    assert_eq!(limit.activity().waiting, 5);
    timer.run(join_all(calls)).unwrap();
    let arrived: Vec<String> = seen.lock().unwrap().arrivals.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(arrived, ["0", "2", "3", "4", "6", "7"]);
    assert_eq!((limit.activity().waiting, timer.n_sleeping()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Calls are dropped at random moments; all others end, in order, and never too many run.
    #[test]
    fn no_wakeup_is_lost(
        room in 1usize..5, rate in prop::option::of(30u32..600), dropped in prop::collection::vec((0usize..60, 0u64..9_000), 0..40),
    ) {
        let timer = MockTimer::new();
        let (model, _) = server(&timer, usize::MAX, |n| Duration::from_millis(n as u64 * 7919 % 400));
        let limits = Limits::fixed(room);
        let limits = match rate { Some(rate) => limits.with_requests_per_minute(rate), None => limits };
        let limit = Limit::new(model, limits, timer.clone());
        let calls = (0..60).map(|n: usize| {
            let (limit, timer) = (limit.clone(), timer.clone());
            let given_up = dropped.iter().find(|(call, _)| *call == n).map(|(_, after)| *after);
            async move {
                let asked = request(&n.to_string());
                let call = limit.complete(&asked).map(|reply| Some(reply.unwrap().text));
                let Some(after) = given_up else { return call.await };
                let sleep = timer.sleep_until(Duration::from_millis(after)).map(|()| None);
                let both: [Pin<Box<dyn Future<Output = Option<String>> + Send>>; 2] = [Box::pin(call), Box::pin(sleep)];
                select_all(both).await.0
            }
        });
        let replies = timer.run(join_all(calls));
        prop_assert!(replies.is_ok(), "{replies:?}");
        for (n, reply) in replies.unwrap().into_iter().enumerate() {
            let may_be_dropped = dropped.iter().any(|(call, _)| *call == n);
            prop_assert!(reply == Some(n.to_string()) || (reply.is_none() && may_be_dropped));
        }
        prop_assert_eq!((limit.activity().waiting, timer.n_sleeping()), (0, 0));
        // Whatever was dropped, the room is whole again.
        let all = (0..room).map(|n| request(&n.to_string())).collect::<Vec<_>>();
        prop_assert!(timer.run(join_all(all.iter().map(|request| limit.complete(request)))).is_ok());
    }
}
