//! The lines of `stream-json`: only what is used is named, the rest is skipped unread.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::agent::Usage;
use crate::agent::lenient::{Flag, Items, Number, Object, Text};

/// The frequent line: an event of the model's API.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Streamed<'a> {
    #[serde(borrow)]
    pub(super) event: Object<Event<'a>>,
    #[serde(borrow)]
    pub(super) parent_tool_use_id: Text<'a>,
}

/// Any line.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
    #[serde(borrow)]
    pub(super) session_id: Text<'a>,
    #[serde(borrow)]
    pub(super) parent_tool_use_id: Text<'a>,
    /// An object or, in some system lines, a name.
    #[serde(borrow)]
    pub(super) event: Items<'a, Event<'a>>,
    /// A message or, in some system lines, a sentence.
    #[serde(borrow)]
    pub(super) message: Items<'a, Message<'a>>,

    // system/init, system/status
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) claude_code_version: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,

    // assistant, user
    #[serde(rename = "isSynthetic")]
    pub(super) is_synthetic: Flag,
    pub(super) is_api_error_message: Flag,
    #[serde(borrow)]
    pub(super) tool_result_meta: Items<'a, ResultMeta<'a>>,

    // system/permission_denied
    #[serde(borrow)]
    pub(super) tool_name: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,

    // system/api_retry
    pub(super) attempt: Number,
    pub(super) max_retries: Number,
    pub(super) retry_delay_ms: Number,
    pub(super) error_status: Number,
    #[serde(borrow)]
    pub(super) error: Text<'a>,

    #[serde(borrow)]
    pub(super) rate_limit_info: Object<LimitInfo<'a>>,

    // control_request, control_cancel_request
    #[serde(borrow)]
    pub(super) request_id: Text<'a>,
    #[serde(borrow)]
    pub(super) request: Object<Request<'a>>,

    // result
    pub(super) is_error: Flag,
    #[serde(borrow)]
    pub(super) terminal_reason: Text<'a>,
    pub(super) api_error_status: Number,
    #[serde(borrow)]
    pub(super) api_error: Text<'a>,
    #[serde(borrow)]
    pub(super) result: Text<'a>,
    #[serde(borrow)]
    pub(super) errors: Items<'a, Nothing>,
    pub(super) num_turns: Number,
    pub(super) usage: Object<Tokens>,
    pub(super) model_usage_since_last_result: Object<BTreeMap<String, Object<ModelTokens>>>,
    #[serde(borrow)]
    pub(super) permission_denials: Items<'a, Denial<'a>>,
}

/// An object of which nothing is used.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// An event of the Anthropic Messages API.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) content_block: Object<Block<'a>>,
    #[serde(borrow)]
    pub(super) delta: Object<Delta<'a>>,
    #[serde(borrow)]
    pub(super) message: Object<Message<'a>>,
    pub(super) usage: Object<Tokens>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) content: Items<'a, Block<'a>>,
    pub(super) usage: Object<Tokens>,
}

/// A block of a message's content, of any type.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    // tool_use
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    // tool_result
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    pub(super) is_error: Flag,
    #[serde(borrow)]
    pub(super) content: Items<'a, Part<'a>>,
}

/// A part of a tool's result.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ResultMeta<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) permission_decision: Object<Decision<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Decision<'a> {
    #[serde(borrow)]
    pub(super) decision: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct LimitInfo<'a> {
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(rename = "resetsAt")]
    pub(super) resets_at: Number,
    #[serde(borrow, rename = "rateLimitType")]
    pub(super) rate_limit_type: Text<'a>,
    #[serde(rename = "isUsingOverage")]
    pub(super) is_using_overage: Flag,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_name: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Denial<'a> {
    #[serde(borrow)]
    pub(super) tool_name: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
}

/// Usage in the API's words.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Tokens {
    input_tokens: Number,
    cache_creation_input_tokens: Number,
    cache_read_input_tokens: Number,
    output_tokens: Number,
    output_tokens_details: Object<TokenDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenDetails {
    thinking_tokens: Number,
}

impl Tokens {
    pub(super) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        self.update(&mut usage);
        usage
    }

    /// Overwrites what is told here: a `message_delta` counts from the message's start.
    pub(super) fn update(&self, usage: &mut Usage) {
        let thinking = self
            .output_tokens_details
            .get()
            .and_then(|details| details.thinking_tokens.count());
        for (told, known) in [
            (self.input_tokens.count(), &mut usage.input),
            (
                self.cache_creation_input_tokens.count(),
                &mut usage.cache_write,
            ),
            (self.cache_read_input_tokens.count(), &mut usage.cached),
            (self.output_tokens.count(), &mut usage.output),
            (thinking, &mut usage.reasoning),
        ] {
            if let Some(told) = told {
                *known = told;
            }
        }
    }
}

/// Usage of one model in the program's words.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelTokens {
    input_tokens: Number,
    output_tokens: Number,
    cache_read_input_tokens: Number,
    cache_creation_input_tokens: Number,
    thinking_tokens: Number,
    #[serde(rename = "costUSD")]
    cost_usd: Number,
}

impl ModelTokens {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            input: self.input_tokens.count().unwrap_or_default(),
            cached: self.cache_read_input_tokens.count().unwrap_or_default(),
            cache_write: self.cache_creation_input_tokens.count().unwrap_or_default(),
            output: self.output_tokens.count().unwrap_or_default(),
            reasoning: self.thinking_tokens.count().unwrap_or_default(),
            cost_usd: self.cost_usd.get(),
        }
    }
}
