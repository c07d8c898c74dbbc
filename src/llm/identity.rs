//! Which requests are the same.

use crate::digest::{Digest, Digester};
use crate::llm::{CompletionRequest, Message, ResponseFormat};

impl CompletionRequest {
    /// Digest of all that is sent: messages, parameters, the shape of the reply.
    ///
    /// # Example
    /// ```
    /// use svitgen::{CompletionRequest, Message, MessageRole, Parameters};
    /// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, "What is it?")]);
    /// assert_eq!(request.digest(), request.clone().digest());
    /// assert_ne!(request.digest(), request.with_parameters(Parameters::default().with_seed(1)).digest());
    /// ```
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::default();
        digester.update(messages_digest(&self.messages).to_string().as_bytes());
        // Unset parameters are left out, so that one which is added later changes no digest.
        digester.update(&serde_json::to_vec(&self.parameters).unwrap_or_default());
        match &self.response_format {
            None => {}
            Some(ResponseFormat::JsonObject) => digester.update(b"object"),
            Some(ResponseFormat::JsonSchema { name, schema }) => {
                digester.update(format!("schema {name:?} {schema}").as_bytes());
            }
        }
        digester.finish()
    }
}

/// Digest of the messages of a request.
pub(crate) fn messages_digest(messages: &[Message]) -> Digest {
    let mut digester = Digester::default();
    for message in messages {
        // Role and length keep messages apart that would run into one another.
        digester.update(&[message.role as u8]);
        digester.update(&(message.content.len() as u64).to_le_bytes());
        digester.update(message.content.as_bytes());
    }
    digester.finish()
}
