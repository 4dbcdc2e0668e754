//! X-Ray's trace of an event: from the request, with its message through SQS, to its claim.
//!
//! Promises: a header that doesn't match the format exactly is ignored. SQS refuses a message with an invalid one,
//! and a caller may choose part of it.

use std::fmt;

/// `Root=1-{8 hex}-{24 hex}`, and if known the parent segment and whether it is sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    root: String,
    parent: Option<String>,
    sampled: Option<bool>,
}

impl Trace {
    /// The message system attribute of SQS that holds it.
    pub const ATTRIBUTE: &str = "AWSTraceHeader";

    /// Parses a header as Lambda and SQS give it. Unknown fields are left out.
    pub fn parse(header: &str) -> Option<Self> {
        let field = |name: &str| header.split(';').filter_map(|part| part.trim().split_once('=')).find(|(n, _)| *n == name);
        let value = |name: &str| field(name).map(|(_, value)| value);
        let root = value("Root").filter(|root| is_root(root))?;
        Some(Self {
            root: root.to_owned(),
            parent: value("Parent").filter(|parent| is_hex(parent, 16)).map(str::to_owned),
            sampled: match value("Sampled") {
                Some("1") => Some(true),
                Some("0") => Some(false),
                Some(_) | None => None,
            },
        })
    }

    /// The id by which X-Ray finds it.
    pub fn id(&self) -> &str {
        &self.root
    }

    /// Its id, and the parent of the next segment. `None`: the trace isn't sampled.
    pub fn sampled(&self) -> Option<(&str, &str)> {
        self.parent.as_deref().filter(|_| self.sampled == Some(true)).map(|parent| (self.id(), parent))
    }
}

fn is_root(root: &str) -> bool {
    let mut parts = root.split('-');
    let whole = parts.next() == Some("1")
        && parts.next().is_some_and(|time| is_hex(time, 8))
        && parts.next().is_some_and(|random| is_hex(random, 24));
    whole && parts.next().is_none()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Written as a header.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root={}", self.root)?;
        if let Some(parent) = &self.parent {
            write!(f, ";Parent={parent}")?;
        }
        match self.sampled {
            Some(true) => f.write_str(";Sampled=1"),
            Some(false) => f.write_str(";Sampled=0"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn a_header_is_written_as_it_was_parsed_without_unknown_fields() {
        let whole = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
        let trace = Trace::parse(&whole).unwrap();
        assert_eq!((trace.id(), trace.to_string()), (ROOT, whole.clone()));
        assert_eq!(Trace::parse(&format!("{whole};Lineage=1:a87bd80c:0")), Some(trace));
        for same in [format!("Root={ROOT}"), format!("Root={ROOT};Sampled=0")] {
            assert_eq!(Trace::parse(&same).unwrap().to_string(), same);
        }
        assert_eq!(Trace::parse(&format!(" Sampled=? ; Parent=x; Root={ROOT}")).unwrap().to_string(), format!("Root={ROOT}"));
    }

    #[test]
    fn a_text_that_is_not_a_trace_is_none() {
        for other in [
            "",
            ROOT,
            "Root=",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759e988-bd862e3fe1be46a9942727933",
            "Root=1-5759E988-bd862e3fe1be46a994272793",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793-1",
            "Self=1-5759e988-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(Trace::parse(other), None, "{other}");
        }
    }
}
