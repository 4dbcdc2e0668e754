//! The spans as one line of visible characters, each with its origin, its styles and its link. Channels interpret a
//! character by its neighbours, which often belong to another span, so all decisions are made here over the whole
//! text.

use super::address;
use super::invisible::is_invisible;
use crate::text::span::{Span, Style, ValueKind};

/// The origin of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Words,
    Data,
    Prose,
}

/// A set of styles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Styles(u8);

impl Styles {
    pub(super) const NONE: Self = Self(0);

    const fn bit(style: Style) -> u8 {
        match style {
            Style::Strong => 1,
            Style::Emphasis => 2,
            Style::Code => 4,
        }
    }

    pub(super) const fn has(self, style: Style) -> bool {
        self.0 & Self::bit(style) != 0
    }

    pub(super) const fn with(self, style: Style) -> Self {
        Self(self.0 | Self::bit(style))
    }

    pub(super) const fn without(self, style: Style) -> Self {
        Self(self.0 & !Self::bit(style))
    }
}

/// One character that a reader sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) c: char,
    pub(super) source: Source,
    pub(super) styles: Styles,
    /// The index of its link in [`Glyphs::links`].
    pub(super) link: Option<usize>,
    /// Its value, if that is data: data is shown whole or not at all, unless it is long prose.
    pub(super) whole: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) to: String,
    /// Whether the reader sees the address itself, an http(s) URL.
    pub(super) bare: bool,
}

impl Link {
    /// Whether it is Slack's `<address>`, in which a `|` would start a label.
    pub(super) fn is_address(&self) -> bool {
        self.bare && !self.to.contains('|')
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Glyphs {
    pub(super) all: Vec<Glyph>,
    pub(super) links: Vec<Link>,
    values: usize,
}

impl Glyphs {
    pub(super) fn of(spans: &[Span]) -> Self {
        let mut glyphs = Self::default();
        glyphs.read(spans, Styles::NONE, None);
        glyphs.find_addresses();
        for style in [Style::Strong, Style::Emphasis, Style::Code] {
            glyphs.trim(style);
        }
        glyphs
    }

    /// The characters before a position, with their links.
    pub(super) fn beginning(&self, end: usize) -> Self {
        let all = self.all[..end.min(self.all.len())].to_vec();
        let links = all.iter().filter_map(|glyph| glyph.link).max().map_or(0, |last| last + 1);
        Self { all, links: self.links[..links].to_vec(), values: self.values }
    }

    pub(super) fn c(&self, at: usize) -> Option<char> {
        self.all.get(at).map(|glyph| glyph.c)
    }

    pub(super) fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|before| self.c(before))
    }

    pub(super) fn is_linked(&self, at: usize) -> bool {
        self.all.get(at).is_some_and(|glyph| glyph.link.is_some())
    }

    /// Whether any of these characters is prose.
    pub(super) fn has_prose(&self, from: usize, to: usize) -> bool {
        self.all[from.min(self.all.len())..to.min(self.all.len())].iter().any(|glyph| glyph.source == Source::Prose)
    }

    /// Whether the text occurs at a position, compared without case.
    pub(super) fn reads(&self, at: usize, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.c(at + i).is_some_and(|seen| seen.eq_ignore_ascii_case(&c)))
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.all[from..to].iter().map(|glyph| glyph.c).collect()
    }

    /// The end of the link that starts here.
    pub(super) fn link_end(&self, from: usize) -> usize {
        let link = self.all[from].link;
        from + self.all[from..].iter().take_while(|glyph| glyph.link == link).count()
    }

    fn read(&mut self, spans: &[Span], outer: Styles, link: Option<usize>) {
        let mut open = vec![];
        for span in spans {
            let styles = open.iter().fold(outer, |styles, style| Styles::with(styles, *style));
            match span {
                Span::Open(style) => open.push(*style),
                Span::Close(style) => {
                    if let Some(at) = open.iter().rposition(|opened| opened == style) {
                        open.remove(at);
                    }
                }
                Span::Words(words) => self.push(words, Source::Words, styles, link, None),
                Span::Value { text, kind: ValueKind::Prose } => self.push(text, Source::Prose, styles, link, None),
                Span::Value { text, kind: ValueKind::Data } => {
                    self.values += 1;
                    self.push(text, Source::Data, styles, link, Some(self.values));
                }
                Span::Link { label, to } => self.link(label, to, styles, link),
            }
        }
    }

    fn push(&mut self, text: &str, source: Source, styles: Styles, link: Option<usize>, whole: Option<usize>) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let c = match c {
                '\r' if chars.peek() == Some(&'\n') => continue,
                '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
                '\t' => ' ',
                other => other,
            };
            // Control characters are removed from all texts, and direction marks from values.
            if (c.is_control() && c != '\n') || (source != Source::Words && is_direction(c)) {
                continue;
            }
            let (c, styles) = match link {
                // A label is one line. No channel links code; here the author's link takes precedence over code.
                Some(_) => (if c == '\n' { ' ' } else { c }, styles.without(Style::Code)),
                None => (c, styles),
            };
            self.all.push(Glyph { c, source, styles, link, whole });
        }
    }

    /// Makes these characters a link to the address that they show.
    fn bare(&mut self, from: usize, to: usize) {
        self.links.push(Link { to: self.text(from, to), bare: true });
        for glyph in &mut self.all[from..to] {
            glyph.link = Some(self.links.len() - 1);
        }
    }

    fn link(&mut self, label: &[Span], to: &str, styles: Styles, outer: Option<usize>) {
        let Some(to) = address::target(to).filter(|_| outer.is_none()) else {
            return self.read(label, styles, outer);
        };
        let place = self.links.len();
        self.links.push(Link { to: to.clone(), bare: false });
        let from = self.all.len();
        self.read(label, styles, Some(place));
        // Spaces at a label's edge belong outside the link.
        let is_edge = |glyph: &Glyph| glyph.c.is_whitespace();
        let leading = self.all[from..].iter().take_while(|glyph| is_edge(glyph)).count();
        let trailing = self.all[from + leading..].iter().rev().take_while(|glyph| is_edge(glyph)).count();
        let end = self.all.len() - trailing;
        for at in (from..from + leading).chain(end..self.all.len()) {
            self.all[at].link = None;
        }
        if from + leading == end {
            self.push(address::shown(&to), Source::Words, styles, Some(place), None);
        }
        let (from, end) = if from + leading == end { (end, self.all.len()) } else { (from + leading, end) };
        self.links[place].bare = address::is_url(&to) && self.text(from, end) == to;
    }

    /// Finds addresses: data that is an address as a whole, addresses that the author wrote, and those whose
    /// beginning the author wrote: `https://shop.example/orders/{data.id}`.
    fn find_addresses(&mut self) {
        let mut at = 0;
        while at < self.all.len() {
            match self.data_address(at).or_else(|| self.address_end(at)) {
                Some(end) => {
                    self.bare(at, end);
                    at = end;
                }
                None => at += 1,
            }
        }
    }

    fn data_address(&self, from: usize) -> Option<usize> {
        let Glyph { c, whole, .. } = self.all[from];
        if whole.is_none() || !c.eq_ignore_ascii_case(&'h') {
            return None;
        }
        let is_value = |glyph: &&Glyph| glyph.whole == whole && glyph.link.is_none() && !glyph.styles.has(Style::Code);
        let starts = self.all[..from].iter().rev().take_while(|glyph| glyph.whole == whole).all(|glyph| glyph.c.is_whitespace());
        if !starts {
            return None;
        }
        let value: String = self.all[from..].iter().take_while(is_value).map(|glyph| glyph.c).collect();
        let address = value.trim_end();
        address::is_url(address).then(|| from + address.chars().count())
    }

    fn address_end(&self, from: usize) -> Option<usize> {
        let scheme = ["https://", "http://"].into_iter().find(|scheme| self.reads(from, scheme))?.len();
        let is_words = |glyph: &Glyph| glyph.source == Source::Words && glyph.link.is_none() && !glyph.styles.has(Style::Code);
        if !self.all[from..from + scheme].iter().all(is_words) || self.before(from).is_some_and(char::is_alphanumeric) {
            return None;
        }
        let (mut end, mut host_is_over) = (from + scheme, false);
        while let Some(glyph) = self.all.get(end).filter(|glyph| glyph.link.is_none() && address::is_url_char(glyph.c)) {
            match glyph.source {
                Source::Words | Source::Data => host_is_over |= matches!(glyph.c, '/' | '?' | '#'),
                // If the author wrote the host, prose may continue the path with safe characters.
                Source::Prose if host_is_over && (glyph.c.is_ascii_alphanumeric() || "-_.~".contains(glyph.c)) => {}
                Source::Prose if host_is_over => break,
                Source::Prose => return None,
            }
            end += 1;
        }
        let text = self.text(from, end);
        let sentence = address::trailing(&text);
        let words = self.all[from..end].iter().rev().take(sentence).take_while(|glyph| glyph.source == Source::Words).count();
        let end = end - words;
        address::is_url(&self.text(from, end)).then_some(end)
    }

    /// Removes a style from spaces at its edges.
    fn trim(&mut self, style: Style) {
        for (from, to) in self.runs(style) {
            let is_space = |glyph: &&mut Glyph| glyph.c.is_whitespace() || is_invisible(glyph.c);
            for glyph in self.all[from..to].iter_mut().take_while(is_space) {
                glyph.styles = glyph.styles.without(style);
            }
            for glyph in self.all[from..to].iter_mut().rev().take_while(is_space) {
                glyph.styles = glyph.styles.without(style);
            }
        }
    }

    /// The longest runs of a style.
    pub(super) fn runs(&self, style: Style) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = vec![];
        for (at, _) in self.all.iter().enumerate().filter(|(_, glyph)| glyph.styles.has(style)) {
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end += 1,
                Some(_) | None => runs.push((at, at + 1)),
            }
        }
        runs
    }

    /// Removes code outside these runs. Returns whether it removed any.
    pub(super) fn keep_code(&mut self, runs: &[(usize, usize)]) -> bool {
        let mut found = false;
        for at in 0..self.all.len() {
            if self.all[at].styles.has(Style::Code) && !runs.iter().any(|(start, end)| (*start..*end).contains(&at)) {
                self.all[at].styles = self.all[at].styles.without(Style::Code);
                found = true;
            }
        }
        if found {
            self.find_addresses();
        }
        found
    }

    /// Writes out links that the channel can't express: `label (address)`.
    pub(super) fn written_out(&self, can: impl Fn(&Link, &[Glyph]) -> bool) -> Self {
        let mut out = Self { all: Vec::with_capacity(self.all.len()), links: self.links.clone(), values: self.values };
        let mut at = 0;
        while at < self.all.len() {
            let Some(place) = self.all[at].link else {
                out.all.push(self.all[at]);
                at += 1;
                continue;
            };
            let end = self.link_end(at);
            let (link, label) = (&self.links[place], &self.all[at..end]);
            at = end;
            if link.bare || can(link, label) {
                out.all.extend(label);
                continue;
            }
            out.all.extend(label.iter().map(|glyph| Glyph { link: None, ..*glyph }));
            let shown = address::shown(&link.to);
            if label.iter().map(|glyph| glyph.c).eq(shown.chars()) {
                continue;
            }
            out.push(" (", Source::Words, Styles::NONE, None, None);
            let is_url = address::is_url(&link.to);
            out.links[place].bare = is_url;
            out.push(shown, Source::Words, Styles::NONE, is_url.then_some(place), None);
            out.push(")", Source::Words, Styles::NONE, None, None);
        }
        // A label can contain addresses itself.
        out.find_addresses();
        out
    }
}

/// Unicode's direction marks.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
