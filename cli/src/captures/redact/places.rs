//! Places in a body that its source names: values to keep, and signatures.

use serde_json::Value;
use std::collections::HashSet;
use tidings_config::limits::MAX_EVENTS_PER_DELIVERY;
use tidings_config::source::Source;
use tidings_config::{JsonPath, OneOrMany, Reference, Step, Template};

/// Places by JSON pointer (RFC 6901), and by header name.
#[derive(Default)]
pub(super) struct Places {
    /// The name of the source.
    source: String,
    /// Places of types, times, sequences and versions of events.
    fixed: HashSet<String>,
    /// Places of event ids. The prefix of an id shows the kind of object.
    ids: HashSet<String>,
    /// Places of signatures, tokens and hashes. Signing writes them again.
    secret: HashSet<String>,
    /// Places on the path to any field of an event. These fields keep their names.
    named: HashSet<String>,
    headers: HashSet<String>,
}

impl Places {
    pub(super) fn of(source: &Source, document: &Value) -> Self {
        let mut places = Self { source: source.name.clone(), ..Self::default() };
        let scheme = &source.scheme;
        for event in &source.events {
            let templates =
                |list: &'_ OneOrMany<Template>| list.0.iter().flat_map(Template::references).cloned().collect::<Vec<_>>();
            let mut fixed = [templates(&event.event_type), templates(&event.dataschema)].concat();
            fixed.extend(event.time.0.iter().flat_map(|time| time.from.0.iter().cloned()));
            fixed.extend(event.retry_fields.0.iter().cloned());
            // A value that decides the kind of a request is kept. A value that only has to exist is replaced.
            let decides = |place: &String, wanted: &OneOrMany<String>| {
                let seen = document.pointer(place).and_then(receiver::extract::as_text);
                seen.is_some_and(|seen| wanted.0.contains(&seen))
            };
            for (reference, wanted) in &event.when {
                places.fixed.extend(pointers(reference, document).into_iter().filter(|place| decides(place, wanted)));
                places.headers.extend(reference.header().map(str::to_owned));
            }
            fixed.extend(event.sequence.clone());
            fixed.extend(scheme.timestamp.iter().map(|timestamp| timestamp.from.clone()));
            fixed.extend(scheme.expect.keys().cloned());
            // Parts of a composed id may identify persons. The name of each part shows this.
            let whole = event.id.0.iter().chain(&event.delivery_id.0).filter(|id| id.references().count() == 1);
            let ids: Vec<Reference> = whole.flat_map(Template::references).cloned().collect();
            places.ids.extend(ids.iter().flat_map(|reference| pointers(reference, document)));
            places.fixed.extend(fixed.iter().flat_map(|reference| pointers(reference, document)));
            places.headers.extend(fixed.iter().filter_map(|reference| reference.header().map(str::to_owned)));
            for pointer in event.references().flat_map(|reference| pointers(reference, document)) {
                let ends = pointer.match_indices('/').map(|(at, _)| at).skip(1).chain([pointer.len()]);
                places.named.extend(ends.map(|end| pointer[..end].to_owned()));
            }
        }
        let signed = scheme.signature.from.0.iter().chain(&scheme.body_sha256);
        places.secret = signed.flat_map(|reference| pointers(reference, document)).collect();
        places
    }

    /// The event ids in the document.
    pub(super) fn ids<'d>(&self, document: &'d Value) -> impl Iterator<Item = &'d str> {
        self.ids.iter().filter_map(|place| document.pointer(place)?.as_str())
    }

    pub(super) fn is_fixed_header(&self, name: &str) -> bool {
        self.headers.contains(name)
    }
}

/// All places that a reference into the body leads to.
fn pointers(reference: &Reference, document: &Value) -> Vec<String> {
    let path = reference.json().into_iter();
    let fields = path.flat_map(|path| {
        path.places(document, MAX_EVENTS_PER_DELIVERY).into_iter().map(|indices| pointer(path, &indices)).collect::<Vec<_>>()
    });
    fields.chain(reference.form_field().map(|name| format!("/{}", escaped(name)))).collect()
}

fn pointer(path: &JsonPath, indices: &[usize]) -> String {
    let mut indices = indices.iter();
    let step = |step: &Step| match step {
        Step::Key(key) => format!("/{}", escaped(key)),
        Step::Index(index) => format!("/{index}"),
        Step::Each => indices.next().map_or_else(String::new, |index| format!("/{index}")),
    };
    path.0.iter().map(step).collect()
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The place of a value in a document.
#[derive(Clone)]
pub(super) struct At<'p> {
    pointer: String,
    /// The same for all elements of a list: `/lines/*/sku`.
    place: String,
    /// `None`: inside a string of the document, which no path reaches.
    places: Option<&'p Places>,
    /// The number of enclosing strings.
    pub(super) texts: usize,
}

impl<'p> At<'p> {
    pub(super) fn root(places: &'p Places) -> Self {
        Self { pointer: String::new(), place: String::new(), places: Some(places), texts: 0 }
    }

    /// A place that no path reaches: a header, or JSON in a string.
    pub(super) fn elsewhere(texts: usize) -> Self {
        Self { pointer: String::new(), place: String::new(), places: None, texts }
    }

    pub(super) fn below(&self, name: &str) -> Self {
        self.step(&escaped(name), &escaped(name))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.step(&index.to_string(), "*")
    }

    fn step(&self, pointer: &str, place: &str) -> Self {
        let longer = |of: &str, step: &str| if self.places.is_some() { format!("{of}/{step}") } else { String::new() };
        Self { pointer: longer(&self.pointer, pointer), place: longer(&self.place, place), ..*self }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The source of the document.
    pub(super) fn source(&self) -> Option<&str> {
        self.places.map(|places| places.source.as_str())
    }

    fn is_of(&self, of: impl Fn(&'p Places) -> &'p HashSet<String>) -> bool {
        self.places.is_some_and(|places| of(places).contains(&self.pointer))
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.is_of(|places| &places.fixed)
    }

    pub(super) fn is_id(&self) -> bool {
        self.is_of(|places| &places.ids)
    }

    pub(super) fn is_secret(&self) -> bool {
        self.is_of(|places| &places.secret)
    }

    pub(super) fn is_named(&self) -> bool {
        self.is_of(|places| &places.named)
    }
}
