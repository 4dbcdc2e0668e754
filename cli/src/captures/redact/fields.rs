//! What a field holds, as far as its name says: lists of words, which are here to be read and added to.

use serde_json::{Map, Value};
pub(super) use tidings_config::text::fields::words;
use tidings_config::text::fields::{NAMES, TEXTS};

/// What a value is, by the name of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key, a token, a password.
    Secret,
    /// A person's name, login or id: its words are looked for elsewhere too.
    Person,
    /// A number by which a person is reached: its digits are looked for elsewhere too.
    Phone,
    /// Where somebody lives, when they were born, numbers of their papers.
    Private,
    /// What people wrote.
    Text,
    /// Nothing that its name gives away.
    Plain,
}

/// What holds for all that is below a field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Within {
    /// The fields of the object are a person's.
    pub(super) person: bool,
    /// So is the object itself: its id is a person's id.
    pub(super) is_person: bool,
    /// Its other fields say that its name is a person's.
    pub(super) told: bool,
    pub(super) address: bool,
    pub(super) secret: bool,
}

const SECRETS: &[&str] = &[
    "secret",
    "secrets",
    "token",
    "tokens",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pwd",
    "authorization",
    "auth",
    "signature",
    "sig",
    "hmac",
    "credential",
    "credentials",
    "cookie",
    "cookies",
    "apikey",
    "jwt",
    "bearer",
    "otp",
    "pin",
    "cvc",
    "cvv",
    "cvn",
    "csrf",
    "sessionid",
];

/// Before `key` or `code`.
const SECRET_KEYS: &[&str] =
    &["api", "access", "private", "auth", "signing", "encryption", "ssh", "client", "security", "verification", "activation"];

const PEOPLE: &[&str] = &[
    "customer",
    "customers",
    "user",
    "users",
    "person",
    "people",
    "persons",
    "profile",
    "contact",
    "contacts",
    "sender",
    "recipient",
    "recipients",
    "owner",
    "owners",
    "author",
    "authors",
    "creator",
    "assignee",
    "assignees",
    "assigner",
    "pusher",
    "committer",
    "buyer",
    "seller",
    "employee",
    "member",
    "members",
    "participant",
    "participants",
    "guest",
    "guests",
    "patient",
    "student",
    "requester",
    "reporter",
    "payer",
    "payee",
    "subscriber",
    "actor",
    "attendee",
    "attendees",
    "invitee",
    "driver",
    "rider",
    "cardholder",
    "lead",
    "visitor",
    "caller",
    "callee",
    "admin",
    "agent",
    "responder",
    "beneficiary",
    "tenant",
    "signer",
    "signatory",
];

/// Objects whose `name` is a person's, and that are none themselves.
const PEOPLES: &[&str] = &["billing", "shipping", "delivery", "from", "to", "cc", "bcc", "by"];

/// Beside the names of people: what reaches them.
const ADDRESSES: &[&str] = &["email", "mail"];

/// Before `name`.
const NAMED: &[&str] = &[
    "first", "last", "full", "given", "family", "middle", "user", "nick", "sur", "maiden", "legal", "holder", "display", "real",
    "screen", "billing", "shipping", "company", "business",
];

const PHONES: &[&str] = &[
    "phone",
    "phones",
    "mobile",
    "telephone",
    "tel",
    "fax",
    "msisdn",
    "cell",
    "whatsapp",
    "sms",
    "wa",
    "telefon",
    "telefono",
    "handy",
    "cellphone",
];

const PRIVATE: &[&str] = &[
    "street",
    "zip",
    "zipcode",
    "postcode",
    "postal",
    "suburb",
    "apartment",
    "latitude",
    "longitude",
    "lat",
    "lng",
    "lon",
    "address1",
    "address2",
    "address3",
    "addressline",
    "city",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "ssn",
    "passport",
    "iban",
    "bic",
    "pan",
    "last4",
    "routing",
    "fingerprint",
    "ip",
    "strasse",
    "plz",
    "geburtsdatum",
];

/// In an address.
const IN_ADDRESSES: &[&str] = &[
    "town", "state", "province", "county", "district", "line", "line1", "line2", "line3", "house", "number", "floor", "unit",
    "company",
];

fn is(word: Option<&String>, list: &[&str]) -> bool {
    word.is_some_and(|word| list.contains(&word.as_str()))
}

/// What the fields below this one are.
pub(super) fn within(words: &[String], outer: Within) -> Within {
    let (last, any) = (words.last(), |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str())));
    let is_person = is(last, PEOPLE);
    Within {
        is_person,
        told: false,
        person: outer.person || is_person || any(PEOPLE) || is(last, PEOPLES),
        address: words
            .iter()
            .any(|word| word.starts_with("address") || ["billing", "shipping", "location"].contains(&word.as_str())),
        secret: outer.secret || is_secret(words),
    }
}

fn is_secret(words: &[String]) -> bool {
    let keyed = words.windows(2).any(|two| SECRET_KEYS.contains(&two[0].as_str()) && ["key", "code"].contains(&two[1].as_str()));
    let session = matches!(words, [.., session, id] if session == "session" && id == "id");
    keyed || session || words.iter().any(|word| SECRETS.contains(&word.as_str()))
}

/// What a text or a number in this field is. `within` is what the field stands in.
pub(super) fn kind(words: &[String], text: &str, within: Within) -> Kind {
    let last = words.last();
    let before = words.len().checked_sub(2).and_then(|n| words.get(n));
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let has_number = text.bytes().filter(u8::is_ascii_digit).count() >= 5;
    let is_id = is(last, &["id", "ids", "uid", "key"]);
    if within.secret || is_secret(words) {
        return Kind::Secret;
    }
    let reached = any(PHONES)
        || words.iter().any(|word| word.starts_with("phone") || word.ends_with("phone"))
        || is(last, PEOPLE)
        || is(last, PEOPLES);
    if reached && has_number && !text.chars().any(char::is_alphabetic) {
        return Kind::Phone;
    }
    let named = is(before, NAMED) || is(before, PEOPLE) || (words.len() == 1 && (within.person || within.told));
    let own = within.is_person && (is_id || is(last, &["sid", "gid", "number", "summary", "slug"]));
    let named_here = is(last, PEOPLES) && reads_like_a_name(text);
    let of_a_person = own || named_here || (is_id && is(before, PEOPLE)) || (is(last, PEOPLE) && !is_browser(words));
    let is_name = is(last, &["name"]) && (named || reads_like_a_name(text));
    if is(last, NAMES) || is(last, ADDRESSES) || is_name || of_a_person {
        return Kind::Person;
    }
    let addressed = last.is_some_and(|word| word.starts_with("address")) || (within.address && is(last, IN_ADDRESSES));
    if any(PRIVATE) || addressed || (is(last, &["number"]) && is(before, &["account", "card", "tax", "license", "insurance"])) {
        return Kind::Private;
    }
    if is(last, TEXTS) || is_browser(words) {
        return Kind::Text;
    }
    Kind::Plain
}

/// Of `{"label": "Phone number", "value": …}`, as forms send their answers, what its value is called.
pub(super) fn label(object: &Map<String, Value>) -> Option<Vec<String>> {
    let labels = ["label", "name", "key", "field", "question", "title"];
    let label = labels.iter().find_map(|label| object.get(*label)?.as_str());
    label.filter(|_| object.keys().any(|name| is_labelled(name))).map(words)
}

pub(super) fn is_labelled(name: &str) -> bool {
    ["value", "values", "answer"].contains(&name)
}

/// Two to four words that begin with capitals: of `name` that is enough, though it may be a product's.
fn reads_like_a_name(text: &str) -> bool {
    let is_part = |word: &str| {
        let letters = word.chars().all(|c| c.is_alphabetic() || "'’.-".contains(c));
        letters && word.chars().next().is_some_and(char::is_uppercase)
    };
    let words = text.split(' ');
    (2..=4).contains(&words.clone().count()) && words.clone().all(is_part)
}

/// `user_agent`
fn is_browser(words: &[String]) -> bool {
    matches!(words, [.., user, agent] if user == "user" && agent == "agent")
}

/// Whether the `name` among these fields is a person's.
pub(super) fn tells_of_a_person<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    let telling = ["email", "firstname", "lastname", "username", "login", "birthday", "dob"];
    names.any(|name| is(Some(&words(name).concat()), &telling))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str) -> Kind {
        kind(&words(name), text, Within::default())
    }

    #[test]
    fn names_say_what_they_hold() {
        for (name, text, expected) in [
            ("client_secret", "x", Kind::Secret),
            ("apiKey", "x", Kind::Secret),
            ("X-Api-Key", "x", Kind::Secret),
            ("customer_phone", "+491713920012", Kind::Phone),
            ("WaId", "491713920012", Kind::Phone),
            ("from", "491713920012", Kind::Phone),
            ("from", "open", Kind::Plain),
            ("from", "Lena Vogt", Kind::Person),
            ("phonenumber", "0171 3920012", Kind::Phone),
            ("Vorname", "Lena", Kind::Person),
            ("phone", "none", Kind::Plain),
            ("firstName", "Lena", Kind::Person),
            ("ProfileName", "Lena", Kind::Person),
            ("user_id", "U1", Kind::Person),
            ("customer", "cus_1", Kind::Person),
            ("name", "Espresso", Kind::Plain),
            ("name", "Espresso, 1 kg", Kind::Plain),
            ("name", "Lena O'Neil-Vogt", Kind::Person),
            ("country_name", "Germany", Kind::Plain),
            ("sessionId", "x", Kind::Secret),
            ("session", "x", Kind::Plain),
            ("user_agent", "Mozilla", Kind::Text),
            ("postal_code", "22767", Kind::Private),
            ("last4", "4242", Kind::Private),
            ("text", "hello", Kind::Text),
            ("id", "evt_1", Kind::Plain),
            ("status", "paid", Kind::Plain),
            ("state", "open", Kind::Plain),
        ] {
            assert_eq!(of(name, text), expected, "{name}");
        }
    }

    #[test]
    fn what_they_stand_in_counts_too() {
        let customer = within(&words("customer"), Within::default());
        assert_eq!(kind(&words("name"), "Lena", customer), Kind::Person);
        assert_eq!(kind(&words("id"), "cus_1", customer), Kind::Person);
        let plan = within(&words("plan"), customer);
        assert_eq!((kind(&words("id"), "p", plan), kind(&words("name"), "p", plan)), (Kind::Plain, Kind::Person));
        let address = within(&words("shippingAddress"), Within::default());
        assert_eq!(kind(&words("state"), "HH", address), Kind::Private);
        let credentials = within(&words("credentials"), Within::default());
        assert_eq!(kind(&words("anything"), "x", within(&words("below"), credentials)), Kind::Secret);
        assert!(tells_of_a_person(["id", "firstName"].into_iter()) && !tells_of_a_person(["id", "title"].into_iter()));
    }
}
