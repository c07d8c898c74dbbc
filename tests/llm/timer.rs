//! Clocks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all};
use svitgen::llm::Timer;
use svitgen::llm::testing::MockTimer;

#[test]
fn sleepers_wake_in_order_and_on_time() {
    let timer = MockTimer::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let sleeps = [30, 10, 20, 10, 0].map(|seconds| {
        let (timer, log) = (timer.clone(), log.clone());
        async move {
            timer.sleep_until(Duration::from_secs(seconds)).await;
            log.lock().unwrap().push((seconds, timer.now().as_secs()));
        }
    });
    timer.run(join_all(sleeps)).unwrap();
    assert_eq!(*log.lock().unwrap(), [(0, 0), (10, 10), (10, 10), (20, 20), (30, 30)]);
}

#[test]
fn a_clock_moves_only_when_told() {
    let timer = MockTimer::new();
    let mut sleep = timer.sleep_until(Duration::from_secs(5));
    assert!((&mut sleep).now_or_never().is_none());
    timer.advance(Duration::from_millis(4_999));
    assert!((&mut sleep).now_or_never().is_none());
    assert_eq!(timer.n_sleeping(), 1);
    timer.advance(Duration::from_millis(1));
    assert!((&mut sleep).now_or_never().is_some());
    assert!(timer.sleep_until(Duration::from_secs(9)).now_or_never().is_none());
    assert_eq!(timer.n_sleeping(), 0);
}

#[test]
fn a_future_that_would_hang_is_told() {
    let timer = MockTimer::new();
    let stuck = timer.run(join(timer.sleep_until(Duration::from_secs(7)), std::future::pending::<()>())).unwrap_err();
    assert_eq!(stuck.now, Duration::from_secs(7));
    assert!(stuck.to_string().contains("would hang"), "{stuck}");
}

#[cfg(feature = "tokio")]
#[test]
fn the_clock_of_tokio_keeps_its_promises() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let timer = svitgen::llm::TokioTimer::new();
        let moment = timer.now() + Duration::from_secs(3600);
        timer.sleep_until(moment).await;
        assert!(timer.now() >= moment && timer.now() < moment + Duration::from_millis(10), "{:?}", timer.now());
        timer.sleep_until(Duration::ZERO).await;
        assert!(timer.sleep_until(Duration::MAX).now_or_never().is_none());
    });
}
