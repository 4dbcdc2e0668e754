//! What a field holds, as far as its name says: lists of words, which are here to be read and added to.
//!
//! They decide which values of a text are what people wrote ([`is_prose`]), and what a capture of a request leaves out.

/// Fields that hold a name which somebody has or has chosen.
pub const NAMES: &[&str] = &[
    "firstname",
    "lastname",
    "fullname",
    "givenname",
    "familyname",
    "middlename",
    "username",
    "nickname",
    "surname",
    "login",
    "screenname",
    "displayname",
    "realname",
    "handle",
    "initials",
    "vorname",
    "nachname",
    "prenom",
    "nom",
    "nombre",
    "apellido",
    "apellidos",
];

/// Fields in which people write.
pub const TEXTS: &[&str] = &[
    "text",
    "body",
    "message",
    "comment",
    "comments",
    "note",
    "notes",
    "caption",
    "content",
    "description",
    "feedback",
    "transcript",
    "question",
    "answer",
    "bio",
    "useragent",
];

/// Fields that say what something is called or about, in words that somebody chose.
pub const TITLES: &[&str] = &[
    "name",
    "names",
    "title",
    "titles",
    "subject",
    "summary",
    "headline",
    "heading",
    "label",
    "labels",
    "topic",
    "reason",
    "reasons",
    "review",
    "reply",
    "response",
    "remark",
    "remarks",
    "greeting",
    "instruction",
    "instructions",
    "nick",
    "author",
    "company",
    "city",
    "street",
];

/// Of `customerPhone`, `customer_phone` and `Customer-Phone` the same words.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether people write what a field of this name holds: its last word says so.
pub fn is_prose(name: &str) -> bool {
    let words = words(name);
    let any = |word: &str| [NAMES, TEXTS, TITLES].iter().any(|list| list.contains(&word));
    words.last().is_some_and(|last| any(last)) || any(&words.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_in_which_people_write_is_known_by_its_last_word() {
        for name in ["name", "first_name", "lastName", "Display-Name", "productTitle", "body", "customer_note", "user_login"] {
            assert!(is_prose(name), "{name}");
        }
        for name in ["id", "tracking", "url", "name_id", "text_url", "email", "amount", "status", "title_count", ""] {
            assert!(!is_prose(name), "{name}");
        }
    }
}
