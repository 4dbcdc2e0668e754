//! `--budgets`: what an event and a start of our functions cost, counted and not timed, beside what `budgets.json` has. A figure that
//! is more than 5 % over it fails the run, with both. `UPDATE=1` writes down what was counted.
//!
//! Debug builds count what hardly depends on the compiler: allocations, and bytes of AWS calls. Release builds count the size of the
//! binary and, by valgrind, instructions.

use crate::cases::Case;
use crate::child::{Child, World};
use crate::failure::Failure;
use crate::instructions;
use crate::programs::{Language, Program};
use crate::say;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// In per cent: compilers and the order of answers move a figure by less.
const TOLERANCE: u64 = 5;
/// Invocations that are counted, after the first one.
const INVOCATIONS: u64 = 5;

/// How the programs were compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A figure by its name, as in `receiver, accepted: allocations`.
type Figures = BTreeMap<String, u64>;
/// By profile.
type Budgets = BTreeMap<String, Figures>;

pub(crate) async fn check(
    world: &World,
    programs: &[Program],
    cases: &[Case],
    profile: Profile,
    file: &Path,
) -> Result<(), Failure> {
    let said = fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
    let mut budgets: Budgets =
        serde_json::from_str(&said).map_err(|error| Failure::Other(format!("{}: {error}", file.display())))?;
    let mut counted = Figures::new();
    for program in programs.iter().filter(|program| program.language == Language::Tidings) {
        match profile {
            Profile::Debug => by_invocation(world, program, cases, &mut counted).await?,
            Profile::Release => by_valgrind(world, program, cases, &mut counted).await?,
        }
    }
    let recorded = budgets.entry(profile.as_str().to_owned()).or_default();
    let problems = over(recorded, &counted);
    counted.iter().for_each(|(name, figure)| say(&format!("{name}: {figure}")));
    if std::env::var_os("UPDATE").is_some() {
        recorded.extend(counted);
        let text = serde_json::to_string_pretty(&budgets).map_err(|error| Failure::Other(error.to_string()))?;
        return fs::write(file, text + "\n").map_err(|error| Failure::file(file, error));
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::Budgets(problems)) }
}

async fn by_invocation(world: &World, program: &Program, cases: &[Case], counted: &mut Figures) -> Result<(), Failure> {
    // What time decides isn't counted.
    for case in cases.iter().filter(|case| case.has(program) && case.sends_at_most().is_none()) {
        let mut child = Child::start(world, program, &[]).await?;
        let init = child.allocations()?;
        counted.insert(format!("{}, init: allocations", program.name), init);
        child.invoke(case).await?;
        child.aws.take_counts();
        let before = child.allocations()?;
        for _ in 0..INVOCATIONS {
            child.invoke(case).await?;
        }
        let allocations = (child.allocations()? - before) / INVOCATIONS;
        let bytes: u64 = child.aws.take_counts().values().map(|count| count.request_bytes + count.answer_bytes).sum();
        let case = case.name();
        counted.insert(format!("{}, {case}: allocations", program.name), allocations);
        counted.insert(format!("{}, {case}: bytes of AWS calls", program.name), bytes / INVOCATIONS);
    }
    Ok(())
}

async fn by_valgrind(world: &World, program: &Program, cases: &[Case], counted: &mut Figures) -> Result<(), Failure> {
    counted.insert(format!("{}: bytes of the binary", program.name), program.artefact_bytes);
    if !instructions::can_be_counted() {
        say("NOT COUNTED: instructions, there is no valgrind here");
        return Ok(());
    }
    counted.insert(format!("{}, init: instructions", program.name), instructions::of_init(world, program).await?);
    // A larger batch's calls would end at their timeouts under valgrind.
    for case in cases.iter().filter(|case| case.has(program) && case.events() == 1) {
        let each = instructions::of_event(world, program, case).await?;
        counted.insert(format!("{}, {}: instructions an event", program.name, case.name()), each);
    }
    Ok(())
}

/// The figures that are over what is recorded, or that nothing is recorded of.
fn over(recorded: &Figures, counted: &Figures) -> Vec<String> {
    let problem = |(name, &figure): (&String, &u64)| match recorded.get(name) {
        None => Some(format!("{name}: {figure}, and nothing is recorded")),
        Some(&budget) if figure * 100 > budget * (100 + TOLERANCE) => {
            let worse = (figure - budget) as f64 / budget as f64 * 100.0;
            Some(format!("{name}: {figure}, {worse:.1} % over the recorded {budget}"))
        }
        Some(_) => None,
    };
    counted.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_more_than_five_per_cent_over_its_budget_fails_with_both() {
        let figures = |figure| Figures::from([("receiver, accepted: allocations".to_owned(), figure)]);
        let recorded = figures(1000);
        for within in [10, 1000, 1050] {
            assert_eq!(over(&recorded, &figures(within)), [""; 0], "{within}");
        }
        assert_eq!(over(&recorded, &figures(1051)), ["receiver, accepted: allocations: 1051, 5.1 % over the recorded 1000"]);
    }

    #[test]
    fn a_figure_without_a_budget_fails() {
        let counted = Figures::from([("receiver, new: allocations".to_owned(), 7)]);
        assert_eq!(over(&Figures::new(), &counted), ["receiver, new: allocations: 7, and nothing is recorded"]);
    }
}
