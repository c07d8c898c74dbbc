//! What a client lacks: before a run begins, and when a server or a cap has stopped it.

use super::client::{ClientArgs, Llm, OPENAI};
use crate::failure::Failure;

impl ClientArgs {
    /// Whether what is asked for can be had at all, before anything is read or written.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.llm != Llm::Openai || self.base_url != OPENAI {
            return Ok(());
        }
        if self.model.is_none() {
            return Err(Failure::usage(
                "--model NAME is needed for OpenAI; a server of your own is named by --base-url",
            ));
        }
        if !self.has_key() {
            return Err(Failure::usage(format_args!(
                "OpenAI wants a key: set the environment variable {}, or name another one with --api-key-env; a server \
                 of your own is named by --base-url",
                self.api_key_env
            )));
        }
        Ok(())
    }

    /// Whether the caps can be kept to.
    pub(crate) fn check_caps(&self) -> Result<(), Failure> {
        if self.llm == Llm::Rules || !self.has_cap() {
            return Ok(());
        }
        if self.max_tokens.is_none() {
            return Err(Failure::usage(
                "--max-cost and --max-tokens-total need --max-tokens N: without it a reply may have any number of tokens",
            ));
        }
        let model = self.model.as_deref().unwrap_or_default();
        if self.max_cost.is_some() && self.prices()?.price(model).is_none() {
            let model = if model.is_empty() { "a model without a name (--model)".to_owned() } else { model.to_owned() };
            return Err(Failure::usage(format_args!(
                "--max-cost: no price is known of {model}; give it with --prices FILE, or cap the tokens instead \
                 (--max-tokens-total)"
            )));
        }
        Ok(())
    }

    /// What to do about a key that is refused.
    pub(crate) fn hint_about_key(&self) -> String {
        let variable = &self.api_key_env;
        if self.has_key() {
            format!("; the key is that of the environment variable {variable}, --api-key-env names another one")
        } else {
            format!(
                "; the environment variable {variable} holds no key: set it, or name another one with --api-key-env"
            )
        }
    }

    /// What is to be added to the command that goes on with a run that a cap has stopped.
    pub(crate) fn higher_cap(&self) -> &'static str {
        if self.max_cost.is_some() { " --max-cost MORE" } else { " --max-tokens-total MORE" }
    }

    fn has_key(&self) -> bool {
        std::env::var_os(&self.api_key_env).is_some_and(|key| !key.is_empty())
    }
}
