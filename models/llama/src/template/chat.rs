//! The conversation as the template is given it: placeholders in the template's own words.
//!
//! Templates differ in what they take; a [`Manner`] is one way to say the same.

use everstep_model::{CALL_ID, Message};
use serde_json::{Value, json};

use super::pieces::Marker;

/// One way to put a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Manner {
    pub(super) system: SystemText,
    pub(super) users: Users,
    pub(super) reply: ReplyForm,
    pub(super) results: Results,
}

/// Where the system text goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SystemText {
    /// In a message of its own.
    Role,
    /// In front of the first user message.
    InUser,
}

/// How user messages in a row are put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Users {
    Apart,
    /// As one, for templates that want replies between them.
    Together,
}

/// How a reply is put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ReplyForm {
    /// As text, calls too.
    Text,
    /// As a call, for templates that show results only behind one.
    Call,
}

/// How a tool's result is put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Results {
    /// In the role `tool`.
    AsTool,
    /// As a user message between `<tool_response>` marks.
    AsUser,
}

impl Manner {
    /// The one most templates take.
    pub(super) const PLAIN: Self = Self {
        system: SystemText::Role,
        users: Users::Apart,
        reply: ReplyForm::Text,
        results: Results::AsTool,
    };

    /// What is tried for what follows a reply, in this order.
    pub(super) const TURNS: &'static [Self] = &[
        Self::PLAIN,
        Self { reply: ReplyForm::Call, ..Self::PLAIN },
        Self { users: Users::Together, ..Self::PLAIN },
        Self { results: Results::AsUser, ..Self::PLAIN },
        Self { results: Results::AsUser, users: Users::Together, ..Self::PLAIN },
    ];
}

/// The head of a conversation; `own_tools` leaves a place for the tools' text.
pub(super) fn head(messages: &[Message], manner: Manner, own_tools: bool) -> Vec<Value> {
    let mut chat = Chat { messages: Vec::new(), users: manner.users };
    let mut system: Vec<String> = Vec::new();
    let mut rest = messages.iter().enumerate().peekable();
    if let Some((number, _)) = rest.next_if(|(_, message)| matches!(message, Message::System(_))) {
        system.push(Marker::Message(number).to_string());
    }
    if own_tools {
        system.push(Marker::Tools.to_string());
    }
    if manner.system == SystemText::Role && !system.is_empty() {
        chat.push("system", &system.join(GAP));
        system.clear();
    }
    for (number, message) in rest {
        let text = Marker::Message(number).to_string();
        match message {
            Message::System(_) => chat.push("system", &text),
            Message::Tool(_) => chat.result(&text, manner.results),
            Message::User(_) | Message::Assistant { .. } => {
                system.push(text);
                chat.push("user", &system.join(GAP));
                system.clear();
            }
        }
    }
    if !system.is_empty() {
        chat.push("user", &system.join(GAP));
    }
    chat.messages
}

/// A user's word, a reply, and what follows it: results and words of the user.
pub(super) fn turn(results: &[bool], manner: Manner) -> Vec<Value> {
    let mut chat = Chat { messages: Vec::new(), users: manner.users };
    chat.push("user", "x");
    chat.messages.push(match manner.reply {
        ReplyForm::Text => json!({"role": "assistant", "content": Marker::Reply.to_string()}),
        ReplyForm::Call => {
            let (name, arguments) = (Marker::Name.to_string(), Marker::Reply.to_string());
            let function = json!({"name": name, "arguments": arguments});
            json!({
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": CALL_ID, "type": "function", "function": function}],
            })
        }
    });
    for (number, is_result) in results.iter().enumerate() {
        let text = Marker::Message(number).to_string();
        if *is_result { chat.result(&text, manner.results) } else { chat.push("user", &text) }
    }
    chat.messages
}

/// Stands between two texts in one message.
const GAP: &str = "\n\n";

struct Chat {
    messages: Vec<Value>,
    users: Users,
}

impl Chat {
    fn push(&mut self, role: &str, text: &str) {
        if role == "user"
            && self.users == Users::Together
            && let Some(last) = self.messages.last_mut().filter(|last| last["role"] == "user")
        {
            let joined = format!("{}{GAP}{text}", last["content"].as_str().unwrap_or_default());
            last["content"] = Value::from(joined);
            return;
        }
        self.messages.push(json!({"role": role, "content": text}));
    }

    fn result(&mut self, text: &str, results: Results) {
        match results {
            Results::AsTool => {
                let name = Marker::Name.to_string();
                self.messages
                    .push(json!({"role": "tool", "content": text, "name": name, "tool_call_id": CALL_ID}));
            }
            Results::AsUser => self.push("user", &format!("<tool_response>\n{text}\n</tool_response>")),
        }
    }
}
