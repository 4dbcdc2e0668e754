//! What an event is to change, by the rules. Pure: the same event gives the same plan.

use crate::failure::Failure;
use serde_json::{Value, json};
use std::sync::OnceLock;
use tidings_core::claim::decide::past_horizon;
use tidings_core::config::rules::{Rule, Rules, is_about};
use tidings_core::context::Changes;
use tidings_core::envelope::Envelope;
use tidings_core::limits::{MAX_CONVERSATION_BYTES, MAX_ITEMS_PER_EVENT, MAX_SUBJECT_BYTES};
use tidings_core::rules::{EvaluationError, Expression, Scope, Variables};
use tidings_core::time::Timestamp;

/// One event's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub conversation: String,
    pub changes: Changes,
    /// The names of the rules that were about it, in their order.
    pub rules: Vec<String>,
}

/// The rules, ready to use. An expression is parsed when an event first needs it, not in INIT.
#[derive(Debug)]
pub struct Planner {
    rules: Rules,
    conversations: Vec<Lazy>,
    entities: Vec<Option<Lazy>>,
    facts: Vec<Vec<(String, Lazy)>>,
}

#[derive(Debug)]
struct Lazy {
    text: String,
    parsed: OnceLock<Expression>,
}

impl Lazy {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), parsed: OnceLock::new() }
    }

    fn evaluate(&self, variables: &Variables) -> Result<Value, EvaluationError> {
        self.parsed.get_or_init(|| Expression::parse(&self.text, Scope::Event).expect("build.rs checked it")).evaluate(variables)
    }
}

impl Planner {
    pub fn new(rules: Rules) -> Self {
        Self {
            conversations: rules.conversations.iter().map(|c| Lazy::new(c.whose.expression())).collect(),
            entities: rules.rules.iter().map(|r| r.effects.entity.as_deref().map(Lazy::new)).collect(),
            facts: rules
                .rules
                .iter()
                .map(|r| r.effects.set.iter().map(|(name, a)| (name.clone(), Lazy::new(&a.value))).collect())
                .collect(),
            rules,
        }
    }

    /// Every failure here is final: the same event fails the same way again.
    pub fn plan(&self, envelope: &Envelope, now: Timestamp) -> Result<Plan, Failure> {
        if past_horizon(envelope.receivedtime, now) {
            return Err(Failure::PastHorizon { received: envelope.receivedtime });
        }
        let data: Value = serde_json::from_str(envelope.data.get()).map_err(|_| Failure::Payload)?;
        let variables = Variables::of_event(&data, &without_payload(envelope));
        let conversation = self.conversation(envelope, &variables)?;

        let mut changes = Changes::default();
        let mut names = Vec::new();
        for (index, rule) in self.rules.rules.iter().enumerate() {
            if is_about(&rule.on, &rule.source, envelope.source_name(), &envelope.event_type) {
                self.apply(index, rule, envelope, &variables, &mut changes)?;
                names.push(rule.name.clone());
            }
        }
        let items = changes.keys().len();
        if items > MAX_ITEMS_PER_EVENT {
            return Err(Failure::TooManyItems { items });
        }
        Ok(Plan { conversation, changes, rules: names })
    }

    /// The first entry of `conversations` that is about the event and has a value; what the preset knows; the entity
    /// itself, so that nothing is dropped because nobody said whose it is.
    fn conversation(&self, envelope: &Envelope, variables: &Variables) -> Result<String, Failure> {
        let source = envelope.source_name();
        for (entry, expression) in self.rules.conversations.iter().zip(&self.conversations) {
            if !is_about(&entry.on, &entry.source, source, &envelope.event_type) {
                continue;
            }
            let failed = |what: String| Failure::Conversation { expression: entry.whose.expression().to_owned(), what };
            match expression.evaluate(variables).map_err(|error| failed(error.to_string()))? {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if text.len() <= MAX_CONVERSATION_BYTES => return Ok(text),
                Value::String(text) => {
                    return Err(failed(format!("a text of {} bytes, allowed: {MAX_CONVERSATION_BYTES}", text.len())));
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(failed("gives no text; string(…) makes one of a number".to_owned()));
                }
            }
        }
        let entity = || format!("entity:{source}/{}", envelope.subject.as_deref().unwrap_or(&envelope.event_type));
        Ok(envelope.conversation.clone().unwrap_or_else(entity))
    }

    fn apply(
        &self,
        index: usize,
        rule: &Rule,
        envelope: &Envelope,
        variables: &Variables,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let failed = |field: &str, what: String| Failure::Rule { rule: rule.name.clone(), field: field.to_owned(), what };
        if !rule.effects.set.is_empty() {
            let entity = match &self.entities[index] {
                None => envelope.subject.clone(),
                Some(expression) => match expression.evaluate(variables).map_err(|e| failed("entity", e.to_string()))? {
                    Value::String(text) => Some(text),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        return Err(failed("entity", "gives no text; string(…) makes one of a number".to_owned()));
                    }
                },
            };
            let entity = entity.filter(|e| !e.is_empty() && e.len() <= MAX_SUBJECT_BYTES).ok_or_else(|| {
                failed("entity", format!("the event has no subject of 1 to {MAX_SUBJECT_BYTES} bytes; give the rule an `entity`"))
            })?;
            for (name, expression) in &self.facts[index] {
                let value = expression.evaluate(variables).map_err(|e| failed(&format!("set.{name}"), e.to_string()))?;
                if !value.is_null() {
                    changes.set(&entity, name, value);
                }
            }
        }
        if let Some(node) = &rule.effects.goto {
            changes.go_to(node);
        }
        Ok(())
    }
}

/// What an expression sees as `event`.
fn without_payload(envelope: &Envelope) -> Value {
    json!({
        "id": envelope.id,
        "source": envelope.source_name(),
        "type": envelope.event_type,
        "subject": envelope.subject,
        "time": envelope.order().time.to_string(),
        "conversation": envelope.conversation,
        "sequence": envelope.sequence_number(),
    })
}
