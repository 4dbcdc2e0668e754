//! The neutral form's markup. Emphasis opens and closes by CommonMark's rule of flanking runs, so `snake_case` and
//! `5 * 3` are plain words: <https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis>. Unclosed markup is
//! plain words.

use super::function::ReadForm;
use super::place::{cut, read};
use super::{TextPart, TextPlace, What};
use crate::text::{Style, link::is_link};

/// The context of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum In {
    Text,
    /// A form of a plural. `#` is its number, and it can't contain a plural.
    Form,
    /// The label of a link, which can't contain a link. `form`: whether it is in a form of a plural.
    Label {
        form: bool,
    },
}

impl In {
    fn is_form(self) -> bool {
        match self {
            Self::Text => false,
            Self::Form => true,
            Self::Label { form } => form,
        }
    }

    fn plural_form(self) -> Option<ReadForm> {
        if self.is_form() { None } else { Some(plural_form) }
    }

    fn has_links(self) -> bool {
        match self {
            Self::Text | Self::Form => true,
            Self::Label { .. } => false,
        }
    }
}

fn plural_form(text: &str) -> Result<Vec<TextPart>, String> {
    parse(text, In::Form)
}

enum Token {
    Part(TextPart),
    /// `**` or `_`, and whether it may open and close.
    Run {
        sign: &'static str,
        style: Style,
        opens: bool,
        closes: bool,
    },
}

struct Reader<'t> {
    rest: &'t str,
    inside: In,
    /// The character before `rest`. A placeholder counts as a letter.
    before: char,
    words: String,
    tokens: Vec<Token>,
}

pub(super) fn parse(text: &str, inside: In) -> Result<Vec<TextPart>, String> {
    let mut reader = Reader { rest: text, inside, before: '\n', words: String::new(), tokens: Vec::new() };
    while let Some(c) = reader.rest.chars().next() {
        reader.next(c)?;
    }
    reader.end_words();
    Ok(resolve(reader.tokens))
}

impl<'t> Reader<'t> {
    fn next(&mut self, c: char) -> Result<(), String> {
        match c {
            '{' | '}' => self.brace(c),
            '\\' => {
                let escaped = self.rest[1..].chars().next().filter(char::is_ascii_punctuation);
                self.say(c.len_utf8() + escaped.map_or(0, char::len_utf8), &escaped.unwrap_or(c).to_string());
                Ok(())
            }
            '*' | '_' => {
                self.run(c);
                Ok(())
            }
            '`' => self.code(),
            '[' if self.inside.has_links() => self.link(),
            '#' if self.inside.is_form() => {
                self.part(1, '1', TextPart::Count);
                Ok(())
            }
            c => {
                self.say(c.len_utf8(), &c.to_string());
                Ok(())
            }
        }
    }

    /// Consumes `bytes` of input as these words.
    fn say(&mut self, bytes: usize, words: &str) {
        self.before = self.rest[..bytes].chars().next_back().unwrap_or(self.before);
        self.rest = &self.rest[bytes..];
        self.words.push_str(words);
    }

    /// Consumes `bytes` of input as this part.
    fn part(&mut self, bytes: usize, before: char, part: TextPart) {
        self.end_words();
        self.before = before;
        self.rest = &self.rest[bytes..];
        self.tokens.push(Token::Part(part));
    }

    fn end_words(&mut self) {
        if !self.words.is_empty() {
            self.tokens.push(Token::Part(TextPart::Words(std::mem::take(&mut self.words))));
        }
    }

    fn brace(&mut self, brace: char) -> Result<(), String> {
        if self.rest[1..].starts_with(brace) {
            self.say(2, &brace.to_string());
            return Ok(());
        }
        if brace == '}' {
            return Err("a } without its {; write a literal brace as }}".to_owned());
        }
        let place = cut(&self.rest[1..])?;
        let read = read(&place, self.inside.plural_form())?;
        self.part(self.rest.len() - place.rest.len(), 'x', TextPart::Place(read));
        Ok(())
    }

    /// Two `*` are markup, and one `_`; other runs are words.
    fn run(&mut self, sign: char) {
        let length = self.rest.len() - self.rest.trim_start_matches(sign).len();
        let (sign, style) = match (sign, length) {
            ('*', 2) => ("**", Style::Strong),
            ('_', 1) => ("_", Style::Emphasis),
            _ => {
                let words = self.rest[..length].to_owned();
                return self.say(length, &words);
            }
        };
        let before = self.before;
        let after = match &self.rest[length..] {
            place if place.starts_with('{') && !place.starts_with("{{") => 'x',
            count if count.starts_with('#') && self.inside.is_form() => '1',
            rest => rest.chars().next().unwrap_or('\n'),
        };
        let is_mark = |c: char| c.is_ascii_punctuation() || (!c.is_alphanumeric() && !c.is_whitespace());
        let left = !after.is_whitespace() && (!is_mark(after) || before.is_whitespace() || is_mark(before));
        let right = !before.is_whitespace() && (!is_mark(before) || after.is_whitespace() || is_mark(after));
        let (opens, closes) = match style {
            Style::Emphasis => (left && (!right || is_mark(before)), right && (!left || is_mark(after))),
            Style::Strong | Style::Code => (left, right),
        };
        self.end_words();
        self.tokens.push(Token::Run { sign, style, opens, closes });
        self.before = sign.chars().next_back().unwrap_or(before);
        self.rest = &self.rest[length..];
    }

    /// Code may contain placeholders, but no other markup.
    fn code(&mut self) -> Result<(), String> {
        let length = self.rest.len() - self.rest.trim_start_matches('`').len();
        let inside = &self.rest[length..];
        let Some(end) = closing(inside, length)? else {
            let words = self.rest[..length].to_owned();
            self.say(length, &words);
            return Ok(());
        };
        let mut code = &inside[..end];
        let is_padded = code.starts_with(' ') && code.ends_with(' ') && !code.trim().is_empty();
        if is_padded {
            code = &code[1..code.len() - 1];
        }
        let rest = &inside[end + length..];
        self.end_words();
        self.tokens.push(Token::Part(TextPart::Open(Style::Code)));
        self.rest = code;
        while let Some(c) = self.rest.chars().next() {
            match c {
                '{' | '}' => self.brace(c)?,
                c => self.say(c.len_utf8(), &c.to_string()),
            }
        }
        self.end_words();
        self.tokens.push(Token::Part(TextPart::Close(Style::Code)));
        (self.rest, self.before) = (rest, '`');
        Ok(())
    }

    fn link(&mut self) -> Result<(), String> {
        let label_end = matching(&self.rest[1..], '[', ']')?;
        let Some((label, rest)) = label_end.map(|end| (&self.rest[1..=end], &self.rest[end + 2..])) else {
            self.say(1, "[");
            return Ok(());
        };
        let Some(target) = rest.strip_prefix('(') else {
            self.say(1, "[");
            return Ok(());
        };
        let how = "write it as [Pay now]({data.url}) or [Help](https://example.com/help); \\[ is a literal bracket";
        let Some(end) = matching(target, '(', ')')? else { return Err(format!("a link without its ): {how}")) };
        let to = parse_target(target[..end].trim(), how)?;
        let label = parse(label, In::Label { form: self.inside.is_form() })?;
        if label.is_empty() {
            return Err(format!("a link without a label: {how}"));
        }
        let bytes = self.rest.len() - target.len() + end + 1;
        self.part(bytes, ')', TextPart::Link { label, to });
        Ok(())
    }
}

/// The start of the next run of exactly this many backticks, which ends the code.
fn closing(code: &str, length: usize) -> Result<Option<usize>, String> {
    let mut at = 0;
    while let Some(found) = code[at..].find(['`', '{']).map(|n| at + n) {
        let rest = &code[found..];
        at = if rest.starts_with("{{") {
            found + 2
        } else if let Some(place) = rest.strip_prefix('{') {
            code.len() - cut(place)?.rest.len()
        } else {
            let run = rest.len() - rest.trim_start_matches('`').len();
            if run == length {
                return Ok(Some(found));
            }
            found + run
        };
    }
    Ok(None)
}

/// The position of the bracket that closes the one before this text.
fn matching(text: &str, opens: char, closes: char) -> Result<Option<usize>, String> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("{{") {
            at += 2;
        } else if let Some(place) = rest.strip_prefix('{') {
            at = text.len() - cut(place)?.rest.len();
        } else if c == '\\' {
            at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if c == closes && depth == 0 {
            return Ok(Some(at));
        } else {
            depth = if c == opens { depth + 1 } else { depth - usize::from(c == closes) };
            at += c.len_utf8();
        }
    }
    Ok(None)
}

/// Parses a link's target: words and values.
fn parse_target(text: &str, how: &str) -> Result<Vec<TextPart>, String> {
    let (mut parts, mut words, mut rest) = (Vec::new(), String::new(), text);
    while let Some(c) = rest.chars().next() {
        let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()).filter(char::is_ascii_punctuation);
        if rest.starts_with("{{") || rest.starts_with("}}") || escaped.is_some() {
            words.extend(rest[1..].chars().next());
            rest = &rest[2..];
        } else if let Some(place) = rest.strip_prefix('{') {
            let cut = cut(place)?;
            let place = read(&cut, Some(plural_form))?;
            match &place.what {
                What::Value { .. } => {}
                What::Form(_) => {
                    return Err(format!("{{{}}} in a link: a link takes only plain values: {how}", cut.inside));
                }
            }
            if !words.is_empty() {
                parts.push(TextPart::Words(std::mem::take(&mut words)));
            }
            parts.push(TextPart::Place(place));
            rest = cut.rest;
        } else {
            words.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !words.is_empty() {
        parts.push(TextPart::Words(words));
    }
    let begins = match parts.as_slice() {
        [] => return Err(format!("a link without an address: {how}")),
        [TextPart::Words(whole)] => is_link(whole),
        // A value may follow; the beginning alone decides whether it is a link.
        [TextPart::Words(begin), ..] => is_link(&format!("{begin}x")),
        _ => true,
    };
    let has_space = parts.iter().any(|part| match part {
        TextPart::Words(words) => words.contains(char::is_whitespace),
        TextPart::Place(TextPlace { .. }) | TextPart::Open(_) | TextPart::Close(_) | TextPart::Link { .. } | TextPart::Count => {
            false
        }
    });
    if !begins || has_space {
        return Err(format!(
            "a link to {text:?}: a link begins with https://, http://, mailto: or tel:, and contains no space; {how}"
        ));
    }
    Ok(parts)
}

/// Decides which runs are markup. A closing run closes the last run that opened its style; runs opened in between become words.
fn resolve(tokens: Vec<Token>) -> Vec<TextPart> {
    let mut opened: Vec<(usize, Style)> = Vec::new();
    let mut marks: Vec<Option<TextPart>> = tokens.iter().map(|_| None).collect();
    for (n, token) in tokens.iter().enumerate() {
        let Token::Run { style, opens, closes, .. } = token else { continue };
        if let Some(at) = opened.iter().rposition(|(_, open)| open == style).filter(|_| *closes) {
            marks[opened[at].0] = Some(TextPart::Open(*style));
            marks[n] = Some(TextPart::Close(*style));
            opened.truncate(at);
        } else if *opens {
            opened.push((n, *style));
        }
    }
    let mut parts: Vec<TextPart> = Vec::new();
    // Bold inside bold is ignored.
    let mut depth = [0_usize; Style::ALL.len()];
    for (token, mark) in tokens.into_iter().zip(marks) {
        let part = match (token, mark) {
            (Token::Part(part), _) => part,
            (Token::Run { sign, .. }, None) => TextPart::Words(sign.to_owned()),
            (Token::Run { style, .. }, Some(mark)) => {
                let depth = &mut depth[Style::ALL.iter().position(|known| *known == style).unwrap_or(0)];
                let is_open = mark == TextPart::Open(style);
                *depth = if is_open { *depth + 1 } else { depth.saturating_sub(1) };
                if *depth > usize::from(is_open) {
                    continue;
                }
                mark
            }
        };
        match (part, parts.last_mut()) {
            (TextPart::Words(more), Some(TextPart::Words(words))) => words.push_str(&more),
            (part, _) => parts.push(part),
        }
    }
    parts
}
