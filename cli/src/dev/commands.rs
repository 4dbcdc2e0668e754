//! What is asked of a `dev` that runs: `tidings dev advance` and `tidings dev env`.

use super::about::{advance, ask};
use super::access::Token;
use super::banner::environment;
use crate::Failure;
use crate::arguments::{DevAdvance, DevEnv};
use crate::style::{FAINT, GOOD, data, data_of, paint, say};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use tidings_config::rules::Span;

pub(crate) async fn run_advance(options: DevAdvance) -> Result<ExitCode, Failure> {
    let known = advance(&options.url, options.by.duration()).await?;
    if options.json {
        data_of(&known)?;
    } else {
        let ahead = Span::new(Duration::from_secs(known.ahead_seconds));
        say!("{} its clock shows {}, {ahead} ahead", paint(GOOD, "advanced"), known.now);
        say!("{}", paint(FAINT, "what is due by then is processed now; `tidings dev` shows it"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run_env(options: DevEnv) -> Result<ExitCode, Failure> {
    const HINT: &str = "is `tidings dev` running? start it, or give its address with --url";
    let known = ask(&options.url).await;
    let found = known.and_then(|known| Some((Token::of(&options.url)?, known)));
    let (token, known) = found.ok_or_else(|| Failure::new(format!("no `tidings dev` answers at {}", options.url)).hint(HINT))?;
    let environment = environment(&known.aws, token.as_str());
    if options.json {
        let object: serde_json::Map<String, Value> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        data(&object.into());
    } else {
        environment.iter().for_each(|(name, value)| say!("export {name}={value}"));
    }
    Ok(ExitCode::SUCCESS)
}
