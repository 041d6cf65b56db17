//! The stream of a program about which nothing is known: each line is text.

use super::SessionUpdate;
use super::TEXT_LIMIT;
use crate::text::head;

pub(super) fn parse(line: &str) -> Vec<SessionUpdate> {
    vec![SessionUpdate::Text {
        text: head(line, TEXT_LIMIT).to_owned(),
        partial: false,
        subagent: false,
    }]
}
