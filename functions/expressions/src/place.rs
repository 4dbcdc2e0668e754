//! A place in the variables, as an expression names it: `data.order.lines[*].sku`.

use std::fmt;

/// A path from a variable of the scope. It contains names from the expression, never values of the event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// `data`, `event`.
    pub variable: &'static str,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Field(String),
    /// An index of a list.
    Index(u64),
    /// All elements of a list.
    Each,
}

impl Place {
    pub(super) const fn of(variable: &'static str) -> Self {
        Self { variable, steps: Vec::new() }
    }

    pub(super) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The path, with the steps from this index on marked as optional: `data.order.?carrier` from the second on.
    pub fn optional(&self, from: usize) -> String {
        let mut written = self.variable.to_owned();
        for (n, step) in self.steps.iter().enumerate() {
            written.push_str(&step.written(n + 1 >= from));
        }
        written
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.variable)?;
        self.steps.iter().try_for_each(|step| f.write_str(&step.written(false)))
    }
}

impl Step {
    fn written(&self, optional: bool) -> String {
        let mark = if optional { "?" } else { "" };
        match self {
            Self::Field(name) if is_plain(name) => format!(".{mark}{name}"),
            Self::Field(name) => format!("[{mark}'{}']", name.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Index(index) => format!("[{mark}{index}]"),
            Self::Each => "[*]".to_owned(),
        }
    }
}

/// Whether the name can follow a dot.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
