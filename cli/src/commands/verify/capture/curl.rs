//! A curl command, as browsers copy it ("Copy as cURL (bash)") and as documentation has it.
//!
//! Options that don't change the request are ignored. An unknown option is refused, because it may change the request.

use super::{Captured, Form, captured, unreadable, words};
use crate::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Options without a value that don't change the request.
const FLAGS: &str = " --compressed --insecure --silent --show-error --location --include --verbose --fail --fail-with-body --globoff --http1.1 \
    --http2 --http3 --no-buffer --path-as-is --progress-bar --ipv4 --ipv6 --no-keepalive --tcp-nodelay ";

/// The same options as letters.
const FLAG_LETTERS: &str = "ksSLivfgN#46";

/// Options with a value that doesn't change the request.
const IGNORED: &str = " -o --output -x --proxy -m --max-time --connect-timeout --retry -w --write-out --resolve --cacert --cert --key -E -c \
    --cookie-jar --noproxy ";

/// Options with a value that are part of the request, or that aren't supported.
const KNOWN: &str = " -X --request --url -H --header -A --user-agent -e --referer -b --cookie -u --user -d --data --data-ascii --data-binary \
    --data-raw --json --data-urlencode -F --form --form-string -T --upload-file ";

/// The parts of a command that describe its request.
#[derive(Default)]
struct Command {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<Vec<u8>>,
    is_json: bool,
    is_get: bool,
}

pub(super) fn read(bytes: &[u8]) -> Result<Captured, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("a curl command that isn't UTF-8"))?.trim();
    if text.contains("^\"") {
        return Err(unreadable("a curl command for cmd.exe")
            .hint("copy it as cURL (bash): in the cmd.exe form, escapes and the body's characters can't be distinguished"));
    }
    let words = words::split(text).ok_or_else(|| unreadable("a curl command with an unclosed quotation mark"))?;
    let mut command = Command::default();
    let mut words = words.into_iter().enumerate().skip(1);
    while let Some((n, word)) = words.next() {
        let option = String::from_utf8_lossy(&word).into_owned();
        if !option.starts_with('-') || option == "-" {
            command.url = Some(option);
            continue;
        }
        // `-XPOST` is `-X POST`, and so is `-sSXPOST`. All of curl's letters are ASCII; any bytes may follow a letter.
        let letters = if option.starts_with("--") { &[][..] } else { &word[1..] };
        let flags = letters.iter().take_while(|letter| FLAG_LETTERS.as_bytes().contains(letter)).count();
        let (option, attached) = match letters.get(flags) {
            Some(letter) => (format!("-{}", char::from(*letter)), &letters[flags + 1..]),
            None => (option, &[][..]),
        };
        if (flags > 0 && flags == letters.len()) || FLAGS.contains(&format!(" {option} ")) {
            continue;
        }
        if matches!(option.as_str(), "-G" | "--get") {
            command.is_get = true;
            continue;
        }
        let known = KNOWN.contains(&format!(" {option} "));
        if !known && !IGNORED.contains(&format!(" {option} ")) {
            // The word isn't shown, because it may contain a secret.
            return Err(unreadable(&format!("a curl command whose word {} is an unknown option", n + 1))
                .hint("remove it if it doesn't change the request"));
        }
        let value = if attached.is_empty() { words.next().map(|(_, word)| word) } else { Some(attached.to_vec()) };
        let value = value.ok_or_else(|| unreadable(&format!("{option} without a value")))?;
        if known {
            command.take(&option, value)?;
        }
    }
    command.request()
}

impl Command {
    fn take(&mut self, option: &str, value: Vec<u8>) -> Result<(), Failure> {
        let text =
            || String::from_utf8(value.clone()).map_err(|_| unreadable(&format!("{option} with a value that isn't UTF-8")));
        match option {
            "-X" | "--request" => self.method = Some(text()?),
            "--url" => self.url = Some(text()?),
            "-H" | "--header" if value.starts_with(b"@") => return Err(elsewhere(option)),
            "-H" | "--header" => {
                let header = text()?;
                let (name, value) = header.split_once(':').unwrap_or((header.trim_end_matches(';'), ""));
                self.headers.push((name.to_owned(), value.to_owned()));
            }
            "-A" | "--user-agent" => self.headers.push(("user-agent".to_owned(), text()?)),
            "-e" | "--referer" => self.headers.push(("referer".to_owned(), text()?)),
            "-b" | "--cookie" => self.headers.push(("cookie".to_owned(), text()?)),
            "-u" | "--user" => self.headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(&value)))),
            "-d" | "--data" | "--data-ascii" | "--data-binary" | "--json" if value.starts_with(b"@") => {
                return Err(elsewhere(option));
            }
            "-d" | "--data" | "--data-ascii" | "--data-binary" | "--data-raw" => self.data.push(value),
            "--json" => {
                self.is_json = true;
                self.data.push(value);
            }
            _ => {
                return Err(unreadable(&format!("{option}, for which curl generates the body"))
                    .hint("`curl --trace-ascii` shows the request: give that as a raw request"));
            }
        }
        Ok(())
    }

    fn request(self) -> Result<Captured, Failure> {
        let mut body = self.data.join(&b"&"[..]);
        let mut url = self.url.unwrap_or_default();
        let method = match (self.method, self.is_get, self.data.is_empty()) {
            (Some(method), _, _) => method,
            (None, true, _) | (None, false, true) => "GET".to_owned(),
            (None, false, false) => "POST".to_owned(),
        };
        if self.is_get {
            let query = String::from_utf8(std::mem::take(&mut body)).map_err(|_| unreadable("a query that isn't UTF-8"))?;
            url = format!("{url}{}{query}", if url.contains('?') { "&" } else { "?" });
        }
        let mut headers = self.headers;
        let typed = headers.iter().any(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"));
        if !typed && !body.is_empty() {
            let content_type = if self.is_json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        captured(Form::Curl, &method, &url, headers.into_iter(), body)
    }
}

fn elsewhere(option: &str) -> Failure {
    unreadable(&format!("{option} reads a file, whose content isn't in the command"))
        .hint("give the raw request instead: headers, an empty line, and the file's bytes")
}
