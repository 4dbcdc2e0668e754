//! Word lists that classify a field by its name. Contributors can extend them.
//!
//! They decide which values of a text are prose ([`is_prose`]), and which fields a capture of a request leaves out.

/// Fields with the name of a person, given or chosen.
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

/// Fields with a title or a topic, in words that somebody chose.
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

/// The words of a name: `customerPhone`, `customer_phone` and `Customer-Phone` have the same words.
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

/// Whether a field of this name contains prose. Its last word decides.
pub fn is_prose(name: &str) -> bool {
    let words = words(name);
    let any = |word: &str| [NAMES, TEXTS, TITLES].iter().any(|list| list.contains(&word));
    words.last().is_some_and(|last| any(last)) || any(&words.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prose_field_is_recognised_by_its_last_word() {
        for name in ["name", "first_name", "lastName", "Display-Name", "productTitle", "body", "customer_note", "user_login"] {
            assert!(is_prose(name), "{name}");
        }
        for name in ["id", "tracking", "url", "name_id", "text_url", "email", "amount", "status", "title_count", ""] {
            assert!(!is_prose(name), "{name}");
        }
    }
}
