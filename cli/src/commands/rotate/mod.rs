//! `tidings rotate`: puts a new secret of a source in front, or removes the old ones.
//!
//! Promises: without `--yes` it writes nothing. It changes only the source's own entry. It never overwrites a document
//! that another writer changed after it was read. It never prints a secret, except one that it generated: once, to a
//! terminal, or into a new file that only its owner can read.

mod document;

use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::files;
use crate::project::Location;
use crate::sources;
use crate::style::{FAINT, GOOD, STRONG, WARN, data, is_terminal, paint, say};
use crate::target::TargetOptions;
use crate::target::{sources_secret, unreadable};
use clap::{ArgGroup, Args};
use document::{Change, in_front, newest_alone};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::limits::{MAX_SECRET_DOCUMENT_BYTES, MIN_KEY_BYTES};
use tidings_config::source::{OWN, Source};
use tidings_core::aws::SecretsManager;
use tidings_core::ports::{Replaced, Unavailable};
use zeroize::Zeroizing;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["secret_file", "generate", "drop_old"]),
    after_help = "docs/rotation.md describes each step, also those at the provider. Secrets are never printed, except a \
        generated one: once, to a terminal or into a file.\n\nExamples:\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt    dry run\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt --yes\n  \
        tidings rotate orders --stack tidings --generate --output new.txt --yes\n  \
        tidings rotate orders --stack tidings --drop-old --yes"
)]
pub struct RotateOptions {
    /// A source of the project
    pub source: String,
    /// File with the new secret; standard input if it is -. A line feed at its end is ignored
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Generate a new secret of 32 random bytes in hex, if the provider lets you choose it
    #[arg(long)]
    pub generate: bool,
    /// Remove all secrets except the newest
    #[arg(long)]
    pub drop_old: bool,
    /// Write the generated secret to a new file that only you can read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "drop_old"])]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Length of a generated secret, before it is written in hex.
const GENERATED_BYTES: usize = 32;

pub(crate) async fn run(options: RotateOptions) -> Result<ExitCode, Failure> {
    Location::here()?;
    let source = sources::configured(&options.source)?;
    if source.captures() {
        return Err(Failure::new(format!("{} receives its secret in a handshake", source.name))
            .hint("open a handshake window for a new one: docs/rotation.md, \"Handshake secrets\""));
    }
    if source.tenants {
        return Err(Failure::new(format!("{} has tenants, each with secrets of its own", source.name))
            .hint(format!("tidings tenants rotate {} TENANT: docs/tenants.md", source.name)));
    }
    let generated = if options.generate { Some(generate(&options, &source)?) } else { None };
    let given = options.secret_file.as_deref().map(given).transpose()?;
    let Some(store) = sources_secret(&options.target.at).await? else {
        return Err(Failure::new("no stack is given")
            .hint("give --stack NAME; a `tidings dev` reads its secrets from its --secrets file"));
    };
    let read = store.versioned().await.map_err(|error| unreadable(&options.target.at, &error))?;
    let change = match generated.as_ref().or(given.as_ref()) {
        Some(secret) => in_front(&read.document, &source, secret)?,
        None => newest_alone(&read.document, &source.name)?,
    };
    let Some(confirmed) = options.confirm.ask() else {
        tell(&options, &source, &change, false);
        return Ok(ExitCode::SUCCESS);
    };
    // Save the secret before it becomes valid: a valid secret that nobody knows would be useless.
    if let (Some(path), Some(secret)) = (&options.output, &generated) {
        files::write_new(path, &format!("{}\n", **secret))?;
    }
    match replace(&store, &change, &read.version, confirmed).await {
        Ok(Replaced::Changed) => {
            unused(&options);
            return Err(Failure::new("the secrets were changed by another writer since they were read; nothing was changed")
                .hint("check that change, and run the command again"));
        }
        Ok(Replaced::Yes) => {}
        Err(error) => {
            return Err(unreadable(&options.target.at, &error).hint(
                "it is unknown whether the secret was written: run the command again, which reports a secret that is \
                    already there",
            ));
        }
    }
    if let (None, Some(secret)) = (&options.output, &generated) {
        say!("{}", **secret);
    }
    tell(&options, &source, &change, true);
    Ok(ExitCode::SUCCESS)
}

/// Replaces the secrets that were read.
async fn replace(store: &SecretsManager, change: &Change, seen: &str, _: Confirmed) -> Result<Replaced, Unavailable> {
    store.replace(&change.document, seen).await
}

/// Deletes the file of a generated secret that didn't become valid.
fn unused(options: &RotateOptions) {
    if let Some(path) = &options.output {
        let _ = std::fs::remove_file(path);
    }
}

/// Generates a secret, if the operator may choose it and there is a place to print it.
fn generate(options: &RotateOptions, source: &Source) -> Result<Zeroizing<String>, Failure> {
    if source.provider != OWN {
        let provider = sources::preset(&source.provider)?;
        if !provider.lets_choose() {
            let steps =
                if provider.setup.is_empty() { String::new() } else { format!("; set up: {}", provider.setup.join("; ")) };
            return Err(Failure::new(format!(
                "the provider generates the secret of {}, so it can't be generated here",
                provider.title
            ))
            .hint(format!("the secret is {}{steps}. Give it with --secret-file", provider.secret)));
        }
    }
    let to_terminal = is_terminal() && !options.target.json;
    if options.confirm.ask().is_some() && options.output.is_none() && !to_terminal {
        return Err(Failure::new("a generated secret is printed only to a terminal")
            .hint("--output FILE writes it to a new file that only you can read"));
    }
    let mut bytes = [0; GENERATED_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Failure::new("the operating system returned no random bytes"))?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Reads a secret from a file or standard input.
fn given(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = files::read_or_stdin(path, MAX_SECRET_DOCUMENT_BYTES)?;
    let text = String::from_utf8(bytes).map(Zeroizing::new);
    let text = text.map_err(|_| Failure::new(format!("{}: not UTF-8", path.display())))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Prints what was done, or would be done, and what to do next.
fn tell(options: &RotateOptions, source: &Source, change: &Change, done: bool) {
    let (name, Change { before, after, .. }) = (&source.name, change);
    let warning = change.short.map(|bytes| {
        format!(
            "the new secret makes a key of {bytes} bytes; a key under {MIN_KEY_BYTES} bytes can be guessed from one signed \
            request"
        )
    });
    if options.target.json {
        data(&json!({ "source": name, "rotated": done, "before": before, "after": after, "warning": warning }));
        return;
    }
    let what = if options.drop_old { "all secrets except the newest removed" } else { "a new secret added" };
    let word = if done { paint(GOOD, "rotated") } else { paint(WARN, "would rotate") };
    say!("{word} {}: {what}", paint(STRONG, name));
    say!("  secrets   {before} before, {after} after");
    let stack = options.target.at.stack.as_deref().unwrap_or("NAME");
    let next: Vec<String> = if options.drop_old {
        vec![format!(
            "requests that are signed with an old secret are then answered 401: wait until the metric SecretAgeIndex of {name} \
             has had no data for as long as its provider retries"
        )]
    } else {
        vec![
            "wait five minutes, until every function has read it".to_owned(),
            "set the new secret at the provider, unless the provider already uses it".to_owned(),
            format!(
                "when the metric SecretAgeIndex of {name} has no more data: tidings rotate {name} --stack {stack} --drop-old \
                 --yes"
            ),
        ]
    };
    next.iter().for_each(|step| say!("  next      {step}"));
    warning.iter().for_each(|warning| say!("  {}   {warning}", paint(WARN, "warning")));
    if !done {
        say!("{}", paint(FAINT, "dry run, nothing was changed: --yes applies the change"));
    }
}
