//! Functions of texts. Positions in a text are counted in code points, as in CEL.

use super::fault::{Fault, Kind};
use super::meter::Meter;
use super::value::{ELEMENT_BYTES, List, Text, Value};

/// Bytes of a text beside its characters: its reference counts.
const TEXT_BYTES: usize = 2 * size_of::<usize>();

/// Makes a copy.
pub(super) fn made(text: &str, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let room = meter.room(text.len())?;
    Ok(Value::Text(Text::new(room, text)))
}

pub(super) fn number(size: usize) -> Result<Value, Fault> {
    i64::try_from(size).map(Value::Int).map_err(|_| Fault::Overflow("size"))
}

/// The byte at which a code point begins; the end for the number of code points. `None`: beyond the end.
fn byte_of(text: &str, point: i64) -> Option<usize> {
    let point = usize::try_from(point).ok()?;
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(point)
}

pub(super) fn char_at(text: &str, at: i64, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    meter.spend(text.len())?;
    let byte = byte_of(text, at).ok_or(Fault::Argument("charAt"))?;
    let found = text[byte..].chars().next().map_or(0, char::len_utf8);
    made(&text[byte..byte + found], meter)
}

pub(super) fn substring(text: &str, from: i64, to: Option<i64>, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    meter.spend(text.len().saturating_mul(2))?;
    let begin = byte_of(text, from);
    let end = to.map_or(Some(text.len()), |to| byte_of(text, to));
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => made(&text[begin..end], meter),
        (Some(_) | None, Some(_) | None) => Err(Fault::Argument("substring")),
    }
}

/// The first position at or after `from`; -1 if there is none.
pub(super) fn index_of(text: &str, part: &str, from: Option<i64>, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    // To the start of the search, the search, and the position's number.
    meter.spend(text.len().saturating_mul(3).saturating_add(part.len()))?;
    let begin = match begin(text, part, from, "indexOf")? {
        Begin::At(byte) => byte,
        Begin::Said(place) => return Ok(Value::Int(place)),
    };
    match text[begin..].find(part) {
        Some(byte) => number(text[..begin + byte].chars().count()),
        None => Ok(Value::Int(-1)),
    }
}

/// The last position at or before `until`; -1 if there is none.
pub(super) fn last_index_of(text: &str, part: &str, until: Option<i64>, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    meter.spend(text.len().saturating_mul(3).saturating_add(part.len()))?;
    let end = match until {
        None => text.len(),
        Some(_) => match begin(text, part, until, "lastIndexOf")? {
            Begin::At(byte) => text.floor_char_boundary(byte.saturating_add(part.len()).min(text.len())),
            Begin::Said(place) => return Ok(Value::Int(place)),
        },
    };
    match text[..end].rfind(part) {
        Some(byte) => number(text[..byte].chars().count()),
        None => Ok(Value::Int(-1)),
    }
}

enum Begin {
    /// A byte position.
    At(usize),
    /// The result for an empty part.
    Said(i64),
}

fn begin(text: &str, part: &str, from: Option<i64>, function: &'static str) -> Result<Begin, Fault> {
    let Some(from) = from else { return Ok(Begin::At(0)) };
    if from < 0 {
        return Err(Fault::Argument(function));
    }
    if part.is_empty() {
        let points = i64::try_from(text.chars().count()).map_err(|_| Fault::Overflow("size"))?;
        return Ok(Begin::Said(from.min(points)));
    }
    match byte_of(text, from) {
        Some(byte) if byte < text.len() => Ok(Begin::At(byte)),
        Some(_) | None => Err(Fault::Argument(function)),
    }
}

/// Replaces the first `times` occurrences; all if it is negative.
pub(super) fn replace(text: &str, from: &str, to: &str, times: i64, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    meter.spend(text.len().saturating_add(from.len()))?;
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let found = text.matches(from).take(times).count();
    // The text without the replaced parts: it contains `found` occurrences of `from`, so this can't be negative.
    let kept = text.len().saturating_sub(found.saturating_mul(from.len()));
    let room = meter.room_for(found, to.len(), kept)?;
    Ok(Value::Text(Text::new(room, &text.replacen(from, to, found))))
}

/// Splits into at most `parts` parts, the last with the rest; without limit if it is negative.
pub(super) fn split(text: &str, separator: &str, parts: i64, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    meter.spend(text.len().saturating_add(separator.len()))?;
    let parts = usize::try_from(parts).unwrap_or(usize::MAX);
    let count = pieces(text, separator, parts).count();
    let room = meter.room_for(count, ELEMENT_BYTES.saturating_add(TEXT_BYTES), text.len())?;
    let mut list = Vec::with_capacity(count);
    for piece in pieces(text, separator, parts) {
        list.push(Value::Text(Text::new(meter.room(0)?, piece)));
    }
    Ok(Value::List(List::new(room, list)))
}

/// With an empty separator, each code point is a part.
fn pieces<'t>(text: &'t str, separator: &'t str, parts: usize) -> Box<dyn Iterator<Item = &'t str> + 't> {
    match (parts, separator.is_empty()) {
        (0, _) => Box::new(std::iter::empty()),
        (_, false) => Box::new(text.splitn(parts, separator)),
        (_, true) => {
            let whole = parts - 1;
            let cut = text.char_indices().map(|(byte, _)| byte).nth(whole).unwrap_or(text.len());
            let (points, rest) = text.split_at(cut);
            let each = points.char_indices().map(move |(byte, point)| &points[byte..byte + point.len_utf8()]);
            Box::new(each.chain((!rest.is_empty()).then_some(rest)))
        }
    }
}

pub(super) fn join(list: &List, separator: &str, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    let mut bytes = separator.len().saturating_mul(list.as_slice().len().saturating_sub(1));
    // The temporary list is as long as the result.
    meter.room_for(list.as_slice().len(), size_of::<&str>(), 0)?;
    for value in list.as_slice() {
        meter.step()?;
        let Value::Text(part) = value else {
            return Err(Fault::Overload { function: "join", kinds: format!("{} of {}", Kind::List, value.kind()) });
        };
        bytes = bytes.saturating_add(part.as_str().len());
        parts.push(part.as_str());
    }
    let room = meter.room(bytes)?;
    Ok(Value::Text(Text::new(room, &parts.join(separator))))
}
