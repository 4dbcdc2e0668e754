//! Converts XML to JSON. Its bytes were hashed before.
//!
//! An element becomes an object of its attributes (`@name`), its child elements (a list if a name occurs several
//! times) and its text (`#text`). An element with only text becomes that text. The root is the only key of the
//! result. Entities other than XML's five, and document types, are refused: nothing is ever expanded or fetched.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};
use tidings_config::limits::MAX_JSON_DEPTH;
use tidings_core::unreadable::Why;

const TEXT: &str = "#text";

/// An element that is being parsed.
struct Element {
    name: String,
    fields: Map<String, Value>,
    text: String,
}

pub(super) fn to_json(xml: &str) -> Result<Value, Why> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<Element> = Vec::new();
    let mut root = Map::new();
    loop {
        match reader.read_event().map_err(|_| Why::NotXml)? {
            Event::Start(start) => {
                if open.len() >= MAX_JSON_DEPTH - 1 {
                    return Err(Why::TooDeep);
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => close(element(&start)?, &mut open, &mut root)?,
            Event::End(_) => {
                let element = open.pop().ok_or(Why::NotXml)?;
                close(element, &mut open, &mut root)?;
            }
            Event::Text(text) => add(&text, &mut open)?,
            Event::CData(text) => add(&text, &mut open)?,
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().map_err(|_| Why::NotXml)? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference).ok_or(Why::NotXml)?.to_owned(),
                };
                add(&text, &mut open)?;
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::DocType(_) => return Err(Why::NotXml),
            Event::Eof if open.is_empty() && root.len() == 1 => return Ok(Value::Object(root)),
            Event::Eof => return Err(Why::NotXml),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Why> {
    let mut fields = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Why::NotXml)?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| Why::NotXml)?;
        fields.insert(format!("@{}", attribute.key.as_ref()), Value::from(value.into_owned()));
    }
    Ok(Element { name: start.name().as_ref().to_owned(), fields, text: String::new() })
}

/// Text outside the root must be white space.
fn add(text: &str, open: &mut [Element]) -> Result<(), Why> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Why::NotXml),
    }
    Ok(())
}

fn close(element: Element, open: &mut [Element], root: &mut Map<String, Value>) -> Result<(), Why> {
    let Element { name, mut fields, text } = element;
    let text = text.trim();
    let value = if fields.is_empty() {
        Value::from(text)
    } else {
        if !text.is_empty() {
            fields.insert(TEXT.to_owned(), Value::from(text));
        }
        Value::Object(fields)
    };
    match open.last_mut() {
        Some(parent) => add_field(&mut parent.fields, name, value),
        None if root.is_empty() => drop(root.insert(name, value)),
        None => return Err(Why::NotXml),
    }
    Ok(())
}

/// Adds a field; a second one with the same name makes a list.
pub(super) fn add_field(fields: &mut Map<String, Value>, name: String, value: Value) {
    match fields.get_mut(&name) {
        None => drop(fields.insert(name, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_become_objects() {
        let xml = "<?xml version=\"1.0\"?><!-- c --><n kind=\"a&amp;b\"><id> 7 </id><x>1</x><x/><t lang=\"en\">a &lt; &#66; <![CDATA[<c>]]></t></n>\n";
        let json = json!({"n": {"@kind": "a&b", "id": "7", "x": ["1", ""], "t": {"@lang": "en", "#text": "a < B <c>"}}});
        assert_eq!(to_json(xml), Ok(json));
    }

    #[test]
    fn entities_and_deep_nesting_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        for bad in [bomb, "<a>&b;</a>", "<a>", "<a></b>", "text", "<a/><b/>", "", "<a/>x", "<a b=&c;/>"] {
            assert_eq!(to_json(bad), Err(Why::NotXml), "{bad}");
        }
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert!(to_json(&deep(MAX_JSON_DEPTH - 1)).is_ok());
        assert_eq!(to_json(&deep(MAX_JSON_DEPTH)), Err(Why::TooDeep));
    }
}
