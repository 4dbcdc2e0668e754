//! What an expression is written with. For tools that must know which values and fields a rule may look for: no function needs it.

use super::Expression;
use super::blame::{body, children};
use super::tree::Node;
use super::value::{Key, Value};

/// The literals of an expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Literals {
    /// Texts, regular expressions among them, and numbers.
    pub values: Vec<serde_json::Value>,
    /// Fields after a point.
    pub fields: Vec<String>,
}

impl Expression {
    /// In the order in which they are written.
    pub fn literals(&self) -> Literals {
        let mut found = Literals::default();
        collect(&self.tree, &mut found);
        found
    }
}

fn collect(node: &Node, found: &mut Literals) {
    children(node).into_iter().for_each(|child| collect(child, found));
    match node {
        Node::Literal(Value::Text(text)) => found.values.push(text.as_str().into()),
        Node::Literal(Value::Int(number)) => found.values.push((*number).into()),
        Node::Literal(Value::Uint(number)) => found.values.push((*number).into()),
        Node::Literal(Value::Double(number)) => found.values.push((*number).into()),
        Node::Literal(Value::Exact(number)) => found.values.push(number.json()),
        Node::Select(_, Key::Text(name)) | Node::Has(_, Key::Text(name)) | Node::Find(_, Key::Text(name)) => {
            found.fields.push(name.as_str().to_owned());
        }
        Node::Matches(_, pattern) => found.values.push(pattern.text().into()),
        Node::Literal(_)
        | Node::Variable(_)
        | Node::Local(_)
        | Node::Select(..)
        | Node::Has(..)
        | Node::Find(..)
        | Node::FindAt(..)
        | Node::Otherwise(..)
        | Node::Index(..)
        | Node::Not(_)
        | Node::Negate(_)
        | Node::And(..)
        | Node::Or(..)
        | Node::If(_)
        | Node::Binary(..)
        | Node::Call(..)
        | Node::List(_)
        | Node::Map(_) => {}
        Node::Let(_, inside) => collect(inside, found),
        Node::Loop(_, inside) => body(inside).into_iter().for_each(|part| collect(part, found)),
    }
}
