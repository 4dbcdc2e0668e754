//! `--check`: every case is answered as expected, and takes exactly the AWS calls that `calls.json` has. Nothing is timed.

use crate::cases::Case;
use crate::child::{Child, World};
use crate::failure::Failure;
use crate::programs::Program;
use crate::say;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// After a first invocation, which may need what later ones have.
const INVOCATIONS: u64 = 3;

/// Calls by operation; by case, and `init`; by program.
type Expected = BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>;

pub(crate) async fn check(world: &World, programs: &[Program], cases: &[Case], file: &Path) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let said = fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
    let mut expected: Expected =
        serde_json::from_str(&said).map_err(|error| Failure::Other(format!("{}: {error}", file.display())))?;
    for program in programs {
        let name = program.title();
        let expected = expected.entry(name.clone()).or_default();
        for case in cases.iter().filter(|case| case.has(program)) {
            let mut child = Child::start(world, program, &[]).await?;
            compare(expected, &name, "init", taken(&child, 1, None), &mut problems);
            child.invoke(case).await?;
            child.aws.take_counts();
            for _ in 0..INVOCATIONS {
                child.invoke(case).await?;
            }
            compare(expected, &name, &case.name(), taken(&child, INVOCATIONS, case.sends_at_most()), &mut problems);
            say(&format!("{name}: {} is answered as expected", case.name()));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_none() {
        return Err(Failure::Calls(problems));
    }
    let text = serde_json::to_string_pretty(&expected).map_err(|error| Failure::Other(error.to_string()))?;
    fs::write(file, text + "\n").map_err(|error| Failure::file(file, error))
}

/// The calls of one invocation. One that isn't made every time isn't rounded to one that is. Where time decides how many
/// sends share a call, there are some, and not more than there are messages.
fn taken(child: &Child<'_>, invocations: u64, sends_at_most: Option<u64>) -> Result<BTreeMap<String, u64>, String> {
    let mut counts = child.aws.take_counts();
    if let Some(most) = sends_at_most {
        let sends: u64 =
            ["sqs:SendMessage", "sqs:SendMessageBatch"].iter().filter_map(|name| counts.remove(*name)).map(|c| c.calls).sum();
        if !(invocations..=invocations * most).contains(&sends) {
            return Err(format!("{sends} sends in {invocations} invocations, expected: 1 to {most} in each"));
        }
    }
    let each = counts.into_iter().map(|(operation, count)| match count.calls % invocations {
        0 => Ok((operation, count.calls / invocations)),
        _ => Err(format!("{} calls of {operation} in {invocations} equal invocations", count.calls)),
    });
    each.collect()
}

fn compare(
    expected: &mut BTreeMap<String, BTreeMap<String, u64>>,
    program: &str,
    case: &str,
    taken: Result<BTreeMap<String, u64>, String>,
    problems: &mut Vec<String>,
) {
    match taken {
        Err(uneven) => problems.push(format!("{program}, {case}: {uneven}")),
        Ok(taken) => {
            let before = expected.insert(case.to_owned(), taken.clone());
            if before.as_ref() != Some(&taken) {
                problems.push(format!("{program}, {case}: {taken:?}, expected {:?}", before.unwrap_or_default()));
            }
        }
    }
}
