//! A cap cannot be passed, whatever becomes of the requests, and nobody waits for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::{LocalPool, block_on};
use futures::future::RemoteHandle;
use futures::task::LocalSpawnExt;
use proptest::prelude::*;
use svitgen::llm::{Account, Budget, MockLlm, Money, Price, Prices, Spending, Usage};
use svitgen::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Parameters, async_trait};

use crate::request;

/// What a message of this many bytes and a reply of this many tokens take at most.
fn bound(n_bytes: u64, max_tokens: u64) -> u64 {
    128 + 16 + n_bytes + max_tokens
}

fn sized(n_bytes: usize, max_tokens: u32) -> CompletionRequest {
    let parameters = Parameters::default().with_model("m").with_max_tokens(max_tokens);
    request(&"a".repeat(n_bytes)).with_parameters(parameters)
}

/// A picodollar for every token.
fn prices() -> Prices {
    let one = Money::from_picodollars(1_000_000);
    Prices::none().with_price("m", Price::per_million(one, one))
}

fn completion(input_tokens: u64, output_tokens: u64) -> Completion {
    Completion::new("A dog.").with_usage(Usage { input_tokens, output_tokens })
}

fn error(kind: LlmErrorKind) -> LlmError {
    LlmError::new(kind, "as the test wants")
}

type Answer = Result<Completion, LlmError>;

/// A server whose answers the test gives, one by one and in any order.
#[derive(Clone, Debug, Default)]
struct Server {
    asked: Arc<Mutex<BTreeMap<usize, oneshot::Sender<Answer>>>>,
}

impl Server {
    fn pending(&self) -> Vec<usize> {
        self.asked.lock().unwrap().keys().copied().collect()
    }

    fn answer(&self, request: usize, answer: Answer) {
        let sender = self.asked.lock().unwrap().remove(&request).unwrap();
        // The call may have been given up.
        let _ = sender.send(answer);
    }
}

#[async_trait]
impl LlmClient for Server {
    async fn complete(&self, request: &CompletionRequest) -> Answer {
        let (sender, receiver) = oneshot::channel();
        // The tests number their requests by the seed.
        self.asked.lock().unwrap().insert(request.parameters.seed.unwrap() as usize, sender);
        receiver.await.unwrap()
    }
}

/// Calls that are polled when they are woken, and only then.
struct Calls {
    pool: LocalPool,
    server: Server,
    budget: Arc<Budget<Server>>,
    handles: BTreeMap<usize, RemoteHandle<Answer>>,
    n_calls: usize,
}

impl Calls {
    fn new(account: Account) -> Self {
        let server = Server::default();
        let budget = Arc::new(Budget::new(server.clone(), account));
        Self { pool: LocalPool::new(), server, budget, handles: BTreeMap::new(), n_calls: 0 }
    }

    fn start(&mut self, n_bytes: usize, max_tokens: u32) -> usize {
        let call = self.n_calls;
        self.n_calls += 1;
        let mut request = sized(n_bytes, max_tokens);
        request.parameters = request.parameters.with_seed(call as u64);
        let budget = self.budget.clone();
        let future = async move { budget.complete(&request).await };
        let handle = self.pool.spawner().spawn_local_with_handle(future).unwrap();
        self.handles.insert(call, handle);
        self.pool.run_until_stalled();
        call
    }

    fn answer(&mut self, call: usize, answer: Answer) {
        self.server.answer(call, answer);
        self.pool.run_until_stalled();
    }

    /// Drops the future of a call, wherever it is.
    fn give_up(&mut self, call: usize) {
        self.handles.remove(&call);
        self.pool.run_until_stalled();
    }

    /// What became of a call; `None` if it waits.
    fn result(&mut self, call: usize) -> Option<Answer> {
        self.handles.get_mut(&call).unwrap().now_or_never()
    }

    fn spending(&self) -> Spending {
        self.budget.spending()
    }
}

#[test]
fn what_is_charged_depends_on_what_became_of_the_request() {
    let whole = bound(100, 50);
    let prompt = bound(100, 0);
    let cases: Vec<(Answer, u64, u64)> = vec![
        (Ok(completion(30, 20)), 50, 0),
        (Ok(Completion::new("A dog.")), whole, 1),
        (Ok(completion(0, 20)), prompt + 20, 1),
        (Ok(completion(30, 0)), 80, 1),
        (Ok(Completion::new("").with_usage(Usage { input_tokens: 30, output_tokens: 0 })), 30, 0),
        (Err(error(LlmErrorKind::Transient)), whole, 1),
        (Err(error(LlmErrorKind::Malformed)), whole, 1),
        (Err(error(LlmErrorKind::Refused)), whole, 1),
        (Err(error(LlmErrorKind::Unavailable)), whole, 1),
        (Err(error(LlmErrorKind::Storage)), whole, 1),
        (Err(error(LlmErrorKind::TooLong)), prompt, 1),
        (Err(error(LlmErrorKind::Transient).with_nothing_sent()), 0, 0),
        (Err(error(LlmErrorKind::RateLimited)), 0, 0),
        (Err(error(LlmErrorKind::Quota)), 0, 0),
        (Err(error(LlmErrorKind::Credentials)), 0, 0),
        (Err(error(LlmErrorKind::UnknownModel)), 0, 0),
        (Err(error(LlmErrorKind::InvalidRequest)), 0, 0),
        (Err(error(LlmErrorKind::Budget)), 0, 0),
    ];
    for (answer, tokens, at_bound) in cases {
        let case = format!("{answer:?}");
        let budget = Budget::new(MockLlm::script([answer.into()]), Account::new().with_prices(prices()));
        let _ = block_on(budget.complete(&sized(100, 50)));
        let spending = budget.spending();
        assert_eq!(spending.input_tokens + spending.output_tokens, tokens, "{case}");
        assert_eq!(spending.cost, Money::from_picodollars(tokens.into()), "{case}");
        assert_eq!((spending.at_bound, spending.requests), (at_bound, u64::from(tokens > 0)), "{case}");
        assert_eq!((spending.in_flight, spending.reserved_tokens, spending.beyond_bound), (0, 0, 0), "{case}");
    }
}

#[test]
fn a_server_that_takes_more_than_its_bound_is_told() {
    let reply = completion(10, 60);
    let budget = Budget::new(MockLlm::function(move |_| reply.clone()), Account::new().with_max_total_tokens(1000));
    assert!(block_on(budget.complete(&sized(100, 50))).is_ok());
    let spending = budget.spending();
    assert_eq!((spending.output_tokens, spending.beyond_bound, spending.at_bound), (60, 1, 0));
    let text = "1 request, 10 tokens in, 60 out (of 1000 together), 1 without a price, 1 beyond it";
    assert_eq!(spending.to_string(), text);
}

#[test]
fn requests_without_a_bound_are_not_sent_where_there_is_a_cap() {
    let ask = |account: Account, parameters: Parameters| {
        let mock = MockLlm::function(|_| "A dog.");
        let result = block_on(Budget::new(mock.clone(), account).complete(&request("?").with_parameters(parameters)));
        assert_eq!(mock.requests().len(), usize::from(result.is_ok()));
        result.err().map(|error| {
            assert!(error.kind().stops_run());
            error.to_string()
        })
    };
    let dollar: Money = "1".parse().unwrap();
    let in_money = || Account::new().with_max_cost(dollar);
    let in_tokens = || Account::new().with_max_total_tokens(1000);
    let (none, model) = (Parameters::default(), Parameters::default().with_model("gpt-4o"));
    let whole = model.clone().with_max_tokens(100);
    let no_limit =
        "budget: a request without max_tokens can take any number of tokens, and there is a cap; set max_tokens";
    assert!(ask(in_money(), model.clone()).unwrap().starts_with(no_limit));
    assert!(ask(in_tokens(), none.clone()).unwrap().starts_with(no_limit));
    let unknown = ask(in_money(), whole.clone().with_model("my-model")).unwrap();
    assert!(
        unknown.contains("no price is known for model my-model") && unknown.contains("file of prices"),
        "{unknown}"
    );
    assert!(ask(in_money(), none.clone()).unwrap().contains("a request that names no model"));
    assert_eq!(ask(in_money(), whole.clone()), None);
    assert_eq!(ask(in_tokens(), none.clone().with_max_tokens(10)), None);
    assert_eq!(ask(Account::new(), none.clone()), None);
    let free = Prices::none().with_price("*", Price::per_million(Money::ZERO, Money::ZERO));
    assert_eq!(ask(in_money().with_prices(free), none), None);
}

#[test]
fn the_end_says_what_is_spent_and_what_is_left() {
    let reply = completion(1_000, 500);
    let account = Account::new().with_max_cost("0.0125".parse().unwrap()).with_max_total_tokens(1_000_000);
    let budget = Budget::new(MockLlm::function(move |_| reply.clone()), account);
    let mut request = sized(2_000, 500);
    request.parameters = request.parameters.with_model("gpt-4o");
    assert!(block_on(budget.complete(&request)).is_ok());
    let error = block_on(budget.complete(&request)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget: the next request could pass the cap: it may cost $0.010360; $0.007500 of $0.0125 is spent, $0.005 is left; \
         it may take 2644 tokens; 1500 of 1000000 are spent, 998500 are left; raise the cap and start again to go on"
    );
    assert_eq!(budget.activity().spending.unwrap().cost, "0.0075".parse().unwrap());
}

#[test]
fn calls_wait_for_what_others_leave_in_order_of_arrival() {
    let mut calls = Calls::new(Account::new().with_max_total_tokens(bound(100, 50) + bound(0, 6)));
    let big = calls.start(100, 50);
    let waiting = calls.start(100, 40);
    let small = calls.start(0, 6);
    assert_eq!(calls.server.pending(), [big], "the small one fits, but is not first");
    assert_eq!((calls.spending().waiting, calls.budget.activity().waiting), (2, 2));
    calls.answer(big, Ok(completion(10, 5)));
    assert_eq!(calls.server.pending(), [waiting]);
    calls.answer(waiting, Ok(completion(10, 5)));
    assert_eq!(calls.server.pending(), [small]);
    let never = calls.start(10_000, 6);
    assert_eq!(calls.result(never).unwrap().unwrap_err().kind(), LlmErrorKind::Budget);
    calls.give_up(small);
    let spending = calls.spending();
    assert_eq!((spending.requests, spending.at_bound, spending.in_flight, spending.waiting), (3, 1, 0, 0));
    assert_eq!(spending.input_tokens + spending.output_tokens, 30 + bound(0, 6));
}

#[test]
fn a_call_that_is_given_up_while_it_waits_lets_the_next_one_through() {
    let mut calls = Calls::new(Account::new().with_max_total_tokens(bound(100, 50) + bound(0, 6)));
    let big = calls.start(100, 50);
    let waiting = calls.start(100, 40);
    let small = calls.start(0, 6);
    calls.give_up(waiting);
    assert_eq!(calls.server.pending(), [big, small]);
    assert_eq!(calls.spending().waiting, 0);
}

#[test]
fn those_who_wait_are_told_when_the_cap_is_used_up() {
    let mut calls = Calls::new(Account::new().with_max_total_tokens(2 * bound(0, 50)));
    let in_flight = [calls.start(0, 50), calls.start(0, 50)];
    let waiting: Vec<usize> = (0..5).map(|_| calls.start(0, 50)).collect();
    for call in in_flight {
        calls.answer(call, Err(error(LlmErrorKind::Transient)));
    }
    for call in waiting {
        assert_eq!(calls.result(call).unwrap().unwrap_err().kind(), LlmErrorKind::Budget);
    }
}

#[test]
fn clients_can_share_an_account() {
    let account = Arc::new(Account::new().with_max_total_tokens(2 * bound(0, 50)));
    let budgets = [0, 1].map(|_| Budget::new(MockLlm::function(|_| "A dog."), account.clone()));
    assert!(budgets.iter().all(|budget| block_on(budget.complete(&sized(0, 50))).is_ok()));
    assert!(budgets.iter().all(|budget| block_on(budget.complete(&sized(0, 50))).is_err()));
    let together = budgets[0].activity().and(budgets[1].activity()).spending.unwrap();
    assert_eq!(together.requests, 2);
    let other = Budget::new(MockLlm::function(|_| "A dog."), Account::new());
    assert!(block_on(other.complete(&sized(0, 50))).is_ok());
    let together = budgets[0].activity().and(other.activity()).spending.unwrap();
    assert_eq!((together.requests, together.max_total_tokens), (3, None));
}

#[test]
fn caps_hold_with_many_threads() {
    let reply = completion(100, 40);
    let account = Arc::new(Account::new().with_prices(prices()).with_max_cost(Money::from_picodollars(20_000)));
    let budget = Budget::new(MockLlm::function(move |_| reply.clone()), account.clone());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| while block_on(budget.complete(&sized(50, 50))).is_ok() {});
        }
    });
    let spending = account.spending();
    assert_eq!((spending.in_flight, spending.waiting), (0, 0));
    assert!(spending.cost <= Money::from_picodollars(20_000));
    // What is left is less than what one more request could take.
    assert!(spending.cost > Money::from_picodollars(20_000 - u128::from(bound(50, 50))), "{spending}");
}

#[derive(Clone, Debug)]
enum Step {
    Start { n_bytes: usize, max_tokens: u32 },
    Answer { which: usize, share: f64 },
    AnswerWithoutUsage { which: usize },
    Fail { which: usize, kind: LlmErrorKind },
    GiveUp { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    use LlmErrorKind::{InvalidRequest, Malformed, RateLimited, Refused, TooLong, Transient};
    let kind = prop::sample::select(vec![Transient, RateLimited, TooLong, Refused, Malformed, InvalidRequest]);
    prop_oneof![
        5 => (0..400_usize, 1..400_u32).prop_map(|(n_bytes, max_tokens)| Step::Start { n_bytes, max_tokens }),
        3 => (any::<usize>(), 0.0..=1.0).prop_map(|(which, share)| Step::Answer { which, share }),
        1 => any::<usize>().prop_map(|which| Step::AnswerWithoutUsage { which }),
        1 => (any::<usize>(), kind).prop_map(|(which, kind)| Step::Fail { which, kind }),
        1 => any::<usize>().prop_map(|which| Step::GiveUp { which }),
    ]
}

/// What the provider would bill, by what the server saw: an account that knows nothing of the other one.
#[derive(Default)]
struct Truth {
    sizes: BTreeMap<usize, (u64, u64)>,
    billed: u64,
}

impl Truth {
    fn in_flight(&self, calls: &Calls) -> u64 {
        calls.server.pending().iter().map(|call| self.most(*call)).sum()
    }

    fn most(&self, call: usize) -> u64 {
        let (n_bytes, max_tokens) = self.sizes[&call];
        bound(n_bytes, max_tokens)
    }
}

fn take(step: Step, calls: &mut Calls, truth: &mut Truth) {
    let pending = calls.server.pending();
    let pick = |which: usize| pending.get(which % pending.len().max(1)).copied();
    match step {
        Step::Start { n_bytes, max_tokens } => {
            truth.sizes.insert(calls.n_calls, (n_bytes as u64, max_tokens.into()));
            calls.start(n_bytes, max_tokens);
        }
        Step::Answer { which, share } => {
            let Some(call) = pick(which) else { return };
            let (n_bytes, max_tokens) = truth.sizes[&call];
            let part = |most: u64| ((most as f64 * share) as u64).max(1);
            let (input, output) = (part(bound(n_bytes, 0)), part(max_tokens));
            truth.billed += input + output;
            calls.answer(call, Ok(completion(input, output)));
        }
        Step::AnswerWithoutUsage { which } => {
            let Some(call) = pick(which) else { return };
            truth.billed += truth.most(call);
            calls.answer(call, Ok(Completion::new("A dog.")));
        }
        Step::Fail { which, kind } => {
            let Some(call) = pick(which) else { return };
            truth.billed += match kind {
                LlmErrorKind::RateLimited | LlmErrorKind::InvalidRequest => 0,
                LlmErrorKind::TooLong => bound(truth.sizes[&call].0, 0),
                _ => truth.most(call),
            };
            calls.answer(call, Err(error(kind)));
        }
        Step::GiveUp { which } => {
            let open: Vec<usize> = calls.handles.keys().copied().collect();
            let Some(call) = open.get(which % open.len().max(1)).copied() else { return };
            if pending.contains(&call) {
                // The server bills what nobody waits for any more.
                truth.billed += truth.most(call);
                calls.server.asked.lock().unwrap().remove(&call);
            }
            calls.give_up(call);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// However requests come, end, fail and are given up: what is billed and may still be billed stays within the cap, the
    /// account is exact, and in the end nobody is left waiting.
    #[test]
    fn a_cap_is_never_passed(steps in prop::collection::vec(step(), 1..120), cap in 100..6_000_u64, in_money in any::<bool>()) {
        let account = Account::new().with_prices(prices());
        let account = if in_money {
            account.with_max_cost(Money::from_picodollars(cap.into()))
        } else {
            account.with_max_total_tokens(cap)
        };
        let mut calls = Calls::new(account);
        let mut truth = Truth::default();
        for step in steps {
            take(step, &mut calls, &mut truth);
            let spending = calls.spending();
            let in_flight = truth.in_flight(&calls);
            prop_assert!(truth.billed + in_flight <= cap);
            prop_assert_eq!(spending.input_tokens + spending.output_tokens, truth.billed);
            prop_assert_eq!(spending.cost, Money::from_picodollars(truth.billed.into()));
            prop_assert_eq!(spending.reserved_tokens, in_flight);
            prop_assert_eq!(spending.in_flight, calls.server.pending().len() as u64);
            prop_assert!(spending.waiting == 0 || spending.in_flight > 0, "nobody waits for nothing");
        }
        while let Some(call) = calls.server.pending().first().copied() {
            take(Step::Answer { which: 0, share: 0.5 }, &mut calls, &mut truth);
            prop_assert!(!calls.server.pending().contains(&call));
        }
        let open: Vec<usize> = calls.handles.keys().copied().collect();
        for call in open {
            prop_assert!(calls.result(call).is_some(), "call {} waits for ever", call);
        }
        prop_assert!(truth.billed <= cap);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every moment the file knows what was billed and what may still be billed, so a kill may come whenever it likes.
    #[test]
    fn the_file_knows_all_that_was_sent(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.jsonl");
        let account = Account::new().with_prices(prices()).with_max_total_tokens(3_000).with_file(&path).unwrap();
        let mut calls = Calls::new(account);
        let mut truth = Truth::default();
        for step in steps {
            take(step, &mut calls, &mut truth);
            let known = Spending::read(&path).unwrap();
            prop_assert_eq!(known.input_tokens + known.output_tokens, truth.billed + truth.in_flight(&calls));
            let spending = calls.spending();
            prop_assert_eq!(known.requests, spending.requests + spending.in_flight);
            prop_assert_eq!(known.at_bound, spending.at_bound + spending.in_flight);
            prop_assert_eq!(known.cost, spending.cost.saturating_add(spending.reserved_cost));
        }
    }
}
