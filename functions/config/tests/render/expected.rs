//! The expected text for a reader, computed from the spans alone.

use crate::read::is_invisible;
use tidings_config::text::{Span, Style, ValueKind};

#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) c: char,
    pub(crate) is_prose: bool,
    pub(crate) strong: bool,
    pub(crate) emphasis: bool,
    pub(crate) code: bool,
    pub(crate) link: Option<String>,
}

/// The characters, where those labelled links are labels whose bit is set, and written out where it isn't.
pub(crate) fn expected(spans: &[Span], labels: u32) -> Vec<Wanted> {
    let mut wanted = Wanteds { all: vec![], labels, links: 0 };
    wanted.read(spans, [0; 3], None);
    wanted.all.retain(|wanted| !is_invisible(wanted.c));
    wanted.all
}

struct Wanteds {
    all: Vec<Wanted>,
    labels: u32,
    links: u32,
}

impl Wanteds {
    fn read(&mut self, spans: &[Span], mut depth: [usize; 3], link: Option<&str>) {
        for span in spans {
            match span {
                Span::Open(style) => depth[*style as usize] += 1,
                Span::Close(style) => depth[*style as usize] -= 1,
                Span::Words(words) => self.words(words, depth, link),
                Span::Value { text, kind } => {
                    let is_url = *kind == ValueKind::Data && depth[Style::Code as usize] == 0 && is_url(text);
                    let link = link.or(is_url.then_some(text.as_str()));
                    self.push(text, *kind == ValueKind::Prose, true, depth, link);
                }
                Span::Link { label, to } => {
                    let is_label = self.labels & (1 << self.links) != 0;
                    self.links += 1;
                    let mut depth = depth;
                    let before = depth;
                    depth[Style::Code as usize] = 0;
                    let mut inner = Wanteds { all: vec![], labels: 0, links: 0 };
                    inner.read(&without_code(label), depth, Some(to));
                    let text: String = inner.all.iter().map(|wanted| if wanted.c == '\n' { ' ' } else { wanted.c }).collect();
                    let is_written_out = !is_label && text.trim() != to && !text.trim().is_empty();
                    if is_written_out {
                        inner.all.clear();
                        inner.read(&without_code(label), depth, None);
                    }
                    for wanted in inner.all.iter_mut().filter(|wanted| wanted.c == '\n') {
                        wanted.c = ' ';
                    }
                    let is_space = |wanted: &&Wanted| wanted.c.is_whitespace();
                    let leading = inner.all.iter().take_while(is_space).count();
                    let trailing = inner.all[leading..].iter().rev().take_while(is_space).count();
                    let end = inner.all.len() - trailing;
                    for (_, wanted) in inner.all.iter_mut().enumerate().filter(|(at, _)| *at < leading || *at >= end) {
                        wanted.link = None;
                    }
                    let space = inner.all.split_off(end);
                    self.all.extend(inner.all);
                    if is_written_out {
                        self.push(" (", false, false, [0; 3], None);
                        self.push(to, false, false, [0; 3], Some(to));
                        self.push(")", false, false, [0; 3], None);
                    }
                    self.all.extend(space);
                    if text.trim().is_empty() {
                        self.push(to, false, false, before, Some(to));
                    }
                }
            }
        }
    }

    fn words(&mut self, words: &str, depth: [usize; 3], link: Option<&str>) {
        match words.split_once("https://ours.example/").filter(|_| link.is_none() && depth[Style::Code as usize] == 0) {
            // The generators' one address in an author's words, which ends with a space.
            Some((before, after)) => {
                let (path, after) = after.split_once(' ').unwrap();
                let to = format!("https://ours.example/{path}");
                self.push(before, false, false, depth, link);
                self.push(&to, false, false, depth, Some(&to));
                self.push(&format!(" {after}"), false, false, depth, link);
            }
            None => self.push(words, false, false, depth, link),
        }
    }

    fn push(&mut self, text: &str, is_prose: bool, is_value: bool, depth: [usize; 3], link: Option<&str>) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let c = match c {
                '\r' if chars.peek() == Some(&'\n') => continue,
                '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
                '\t' => ' ',
                c if c.is_control() && c != '\n' => continue,
                c if is_value
                    && matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') =>
                {
                    continue;
                }
                c => c,
            };
            let has = |style: Style| depth[style as usize] > 0;
            let code = has(Style::Code) && link.is_none();
            self.all.push(Wanted {
                c,
                is_prose,
                strong: has(Style::Strong),
                emphasis: has(Style::Emphasis),
                code,
                link: link.map(str::to_owned),
            });
        }
    }
}

fn without_code(label: &[Span]) -> Vec<Span> {
    label.iter().filter(|span| !matches!(span, Span::Open(Style::Code) | Span::Close(Style::Code))).cloned().collect()
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(char::is_alphanumeric) && !rest.contains(|c: char| c.is_whitespace() || "<>\"`\\".contains(c))
    })
}
