//! A body without the fields that a retry rewrites. All other bytes stay, so any other difference changes the hash.

use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use tidings_config::{OneOrMany, Reference, Step};

/// Returns the body unchanged if it has none of the fields or can't be read.
pub(crate) fn without<'b>(body: &'b [u8], fields: &OneOrMany<Reference>) -> Cow<'b, [u8]> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    if let Ok(text) = std::str::from_utf8(body) {
        let json = text.trim_start_matches('\u{feff}');
        let paths = fields.0.iter().filter_map(Reference::json);
        paths.for_each(|path| find(&path.0, json, text.len() - json.len(), &mut spans));
    }
    if spans.is_empty() {
        return Cow::Borrowed(body);
    }
    spans.sort_unstable_by_key(|span| span.start);
    let (mut rest, mut at) = (Vec::with_capacity(body.len()), 0);
    for span in spans {
        rest.extend_from_slice(body.get(at..span.start).unwrap_or_default());
        at = at.max(span.end);
    }
    rest.extend_from_slice(&body[at..]);
    Cow::Owned(rest)
}

/// The ranges of the values at a path in this JSON, which begins at `offset` of the body.
fn find(steps: &[Step], json: &str, offset: usize, spans: &mut Vec<Range<usize>>) {
    let Some((step, rest)) = steps.split_first() else {
        spans.push(offset..offset + json.len());
        return;
    };
    let mut go_on = |value: &RawValue| {
        let at = offset + (value.get().as_ptr() as usize - json.as_ptr() as usize);
        find(rest, value.get(), at, spans);
    };
    match step {
        Step::Key(key) => {
            let object = serde_json::from_str::<HashMap<String, &RawValue>>(json);
            if let Some(value) = object.ok().as_ref().and_then(|object| object.get(key)) {
                go_on(value);
            }
        }
        Step::Index(_) | Step::Each => {
            let list = serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default();
            let wanted = |at: usize| match step {
                Step::Index(index) => *index == at,
                Step::Each | Step::Key(_) => true,
            };
            list.into_iter().enumerate().filter(|(at, _)| wanted(*at)).for_each(|(_, value)| go_on(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str, fields: &[&str]) -> String {
        let fields = OneOrMany(fields.iter().map(|field| Reference::Json(field.parse().unwrap())).collect());
        String::from_utf8(without(body.as_bytes(), &fields).into_owned()).unwrap()
    }

    #[test]
    fn only_the_value_is_left_out() {
        let body = "\u{feff} {\"a\": 1 , \"meta\":{\"attempt\" : 2,\"x\":\"é\"}, \"list\":[{\"n\":1},{\"m\":0},{\"n\":[2]}]}\n";
        assert_eq!(cut(body, &["meta.attempt"]), body.replace(": 2,", ": ,"));
        assert_eq!(cut(body, &["list[*].n"]), body.replace("\"n\":1", "\"n\":").replace("\"n\":[2]", "\"n\":"));
        assert_eq!(cut(body, &["list[0].n", "a"]), body.replace("\"n\":1", "\"n\":").replace("\"a\": 1 ", "\"a\":  "));
        assert_eq!(cut(body, &["meta.attempt", "meta"]), body.replace("{\"attempt\" : 2,\"x\":\"é\"}", ""));
    }

    #[test]
    fn a_body_without_the_field_or_without_json_is_unchanged() {
        for body in ["", "{", "[1]", "{\"b\":1}", "a=1", "{\"a\":{\"b\":1}"] {
            assert_eq!(cut(body, &["a.b"]), body);
        }
        assert_eq!(without(b"\xff", &OneOrMany::default()), Cow::Borrowed(b"\xff"));
    }
}
