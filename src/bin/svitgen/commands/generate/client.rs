//! Which language model is asked, how, and for how much.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use svitgen::ErrorKind;
use svitgen::llm::{
    Account, BatchApi, Breaker, BreakerPolicy, Budget, Fallback, Limit, Limits, LlmClient, Money, OpenAi, OpenAiConfig,
    Parameters, Prices, Retry, RetryPolicy, RuleLlm, StopSignal, Timeouts, TokioTimer,
};

use crate::failure::Failure;

/// The server that is asked unless another one is named.
pub(super) const OPENAI: &str = "https://api.openai.com/v1";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Llm {
    /// The embedded model: answers by rule from the annotations, without key and network.
    Rules,
    /// A server with a chat-completions endpoint: OpenAI, vLLM, SGLang, llama.cpp, Ollama, LiteLLM, Azure, ...
    Openai,
    /// Another vendor's own protocol, by the name of the model: Anthropic, Gemini, ... (feature `genai`).
    #[cfg(feature = "genai")]
    Genai,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Language model")]
pub(crate) struct ClientArgs {
    /// Which language model is asked.
    #[arg(long)]
    pub(super) llm: Llm,
    /// Where the server's endpoints stand.
    #[arg(long, value_name = "URL", default_value = OPENAI)]
    pub(super) base_url: String,
    /// Environment variable that holds the key; a local server needs none. The key itself is never written anywhere.
    #[arg(long, value_name = "NAME", default_value = "OPENAI_API_KEY")]
    pub(super) api_key_env: String,
    /// Send the key in this header, by itself, as Azure wants it (`api-key`).
    #[arg(long, value_name = "NAME")]
    api_key_header: Option<String>,
    /// Name of the model.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Most tokens of a reply. A cap in money or tokens needs it.
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2.
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// Share of the probability mass to sample from, 0 to 1.
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Seed for servers that sample repeatably.
    #[arg(long, value_name = "N")]
    sampling_seed: Option<u64>,
    /// Another field of the request's body: KEY=JSON. Repeatable.
    #[arg(long, value_name = "KEY=JSON")]
    extra: Vec<String>,
    /// Have replies streamed, for gateways that cut silent connections.
    #[arg(long)]
    stream: bool,
    /// Seconds until a reply must be whole.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Calls at a time; fewer as long as the server refuses for rate.
    #[arg(long, value_name = "N", default_value_t = 64)]
    concurrency: usize,
    /// Most requests in a minute.
    #[arg(long, value_name = "N")]
    rpm: Option<u32>,
    /// Most tokens in a minute.
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// How often a request is sent at most if it meets faults (no connection, no answer, an error of the server's).
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,
    /// Longest wait in seconds that the server may ask for before another attempt; a longer one stops the run.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    max_wait: u64,
    /// Seconds without any answer after which the run stops; until then it waits and probes the server now and then.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    max_outage: u64,
    /// Model that gets what the first one refuses or cannot fit, on the same server.
    #[arg(long, value_name = "NAME")]
    fallback_model: Option<String>,
    /// Cap on what the run costs, over all starts. It cannot be passed.
    #[arg(long, value_name = "MONEY")]
    pub(super) max_cost: Option<Money>,
    /// Cap on the tokens of prompts and replies together, over all starts. It cannot be passed.
    #[arg(long, value_name = "N")]
    pub(super) max_tokens_total: Option<u64>,
    /// Prices of models that win over the built-in ones, as JSON.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
}

impl ClientArgs {
    pub(crate) fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.model.clone_from(&self.model);
        parameters.max_tokens = self.max_tokens;
        parameters.temperature = self.temperature;
        parameters.top_p = self.top_p;
        parameters.seed = self.sampling_seed;
        parameters
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The client with everything around it that makes a long run safe.
    pub(crate) fn open(&self, account: Arc<Account>, stop: &StopSignal) -> Result<Box<dyn LlmClient>, Failure> {
        match self.llm {
            Llm::Rules => Ok(Box::new(RuleLlm::new())),
            Llm::Openai => {
                let client = OpenAi::new(self.openai()?).map_err(Failure::usage)?;
                Ok(self.with_fallback(client, account, stop))
            }
            #[cfg(feature = "genai")]
            Llm::Genai => {
                let whole = Duration::from_secs(self.timeout);
                let config = svitgen::llm::GenaiConfig::new().with_timeouts(Timeouts::default().with_whole(whole));
                let client = svitgen::llm::Genai::new(config).map_err(Failure::usage)?;
                Ok(self.with_fallback(client, account, stop))
            }
        }
    }

    pub(super) fn prices(&self) -> Result<Prices, Failure> {
        let prices = Prices::built_in();
        Ok(match &self.prices {
            Some(path) => prices.with_file(path)?,
            None => prices,
        })
    }

    /// Whether a cap is set.
    pub(crate) fn has_cap(&self) -> bool {
        self.max_cost.is_some() || self.max_tokens_total.is_some()
    }

    /// The Batch API of the server that would be asked.
    pub(crate) fn batch_api(&self) -> Result<BatchApi, Failure> {
        if self.llm != Llm::Openai {
            return Err(Failure::usage("only servers that speak OpenAI's protocol have a Batch API: --llm openai"));
        }
        BatchApi::new(self.openai()?).map_err(Failure::usage)
    }

    fn openai(&self) -> Result<OpenAiConfig, Failure> {
        let whole = Duration::from_secs(self.timeout);
        let timeouts = Timeouts::default().with_whole(whole).with_first_byte(whole);
        let mut config = OpenAiConfig::new(&self.base_url).with_key_from_env(&self.api_key_env).with_timeouts(timeouts);
        if let Some(name) = &self.api_key_header {
            config = config.with_key_header(name);
        }
        if self.stream {
            config = config.with_streaming();
        }
        for extra in &self.extra {
            let (key, json) = extra
                .split_once('=')
                .and_then(|(key, json)| Some((key, serde_json::from_str::<serde_json::Value>(json).ok()?)))
                .ok_or_else(|| {
                    Failure::usage(format_args!("--extra {extra}: write it as KEY=JSON, such as top_k=20"))
                })?;
            config = config.with_extra(key, json);
        }
        Ok(config)
    }

    /// What the run may spend and has spent; the embedded model costs nothing.
    pub(crate) fn account(&self, folder: &Path) -> Result<Arc<Account>, Failure> {
        if self.llm == Llm::Rules {
            return Ok(Arc::default());
        }
        let mut account = Account::new().with_prices(self.prices()?);
        if let Some(cap) = self.max_cost {
            account = account.with_max_cost(cap);
        }
        if let Some(cap) = self.max_tokens_total {
            account = account.with_max_total_tokens(cap);
        }
        account.with_file(folder.join("budget.jsonl")).map(Arc::new).map_err(|error| {
            let is_of_the_disk = matches!(error.kind(), ErrorKind::Io { .. });
            let failure = Failure::from(error);
            if is_of_the_disk { Failure::output(failure) } else { failure }
        })
    }

    fn with_fallback<C: LlmClient + 'static>(
        &self,
        client: C,
        account: Arc<Account>,
        stop: &StopSignal,
    ) -> Box<dyn LlmClient> {
        let client = Arc::new(client);
        let first = self.patient(client.clone(), account.clone(), stop);
        let Some(model) = &self.fallback_model else { return Box::new(first) };
        let second = self.patient(client, account, stop);
        Box::new(Fallback::new(first, second).with_parameters(Parameters::default().with_model(model)))
    }

    /// Every attempt is charged; a dead server is waited for; so many run at a time; what may pass is tried again.
    fn patient<C: LlmClient + 'static>(
        &self,
        client: C,
        account: Arc<Account>,
        stop: &StopSignal,
    ) -> impl LlmClient + use<C> {
        let timer = TokioTimer::new();
        let mut limits = Limits::adaptive(self.concurrency);
        if let Some(n) = self.rpm {
            limits = limits.with_requests_per_minute(n);
        }
        if let Some(n) = self.tpm {
            limits = limits.with_tokens_per_minute(n);
        }
        let breaker = BreakerPolicy::default().with_patience(Duration::from_secs(self.max_outage));
        let retry = RetryPolicy::default()
            .with_attempts(self.max_attempts)
            .with_longest_server_wait(Duration::from_secs(self.max_wait));
        let client = Budget::new(client, account).with_stop_signal(stop.clone());
        let client = Breaker::new(client, breaker, timer.clone()).with_stop_signal(stop.clone());
        let client = Limit::new(client, limits, timer.clone()).with_stop_signal(stop.clone());
        Retry::new(client, retry, timer).with_stop_signal(stop.clone())
    }
}
