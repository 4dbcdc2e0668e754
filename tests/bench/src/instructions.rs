//! Instructions of the Rust programs, counted by valgrind: the same whatever else the machine does, but for the order in which
//! answers come.

use crate::cases::Case;
use crate::child::{Child, World};
use crate::failure::Failure;
use crate::programs::Program;
use crate::results::Results;
use crate::say;
use std::ffi::OsString;
use std::fs;

/// Invocations of the shorter and of the longer run; their difference is what is counted. The shorter one has what happens once.
const SHORT: usize = 20;
const LONG: usize = 70;

/// Adds the counts to the results.
pub(crate) async fn count(world: &World, programs: &[Program], cases: &[Case], results: &mut Results) -> Result<(), Failure> {
    for program in programs.iter().filter(|program| program.is_rust()) {
        let of_program =
            |result: &&mut crate::results::ProgramResult| result.program == program.name && result.role == program.role;
        let Some(result) = results.programs.iter_mut().find(of_program) else { continue };
        let init = of_init(world, program).await?;
        say(&format!("{}: {init} instructions of INIT", program.name));
        result.init_instructions = Some(init);
        for case in cases.iter().filter(|case| case.has(program)) {
            let each = of_event(world, program, case).await?;
            say(&format!("{}, {}: {each} instructions an event", case.name(), program.name));
            let rows = results.cases.iter_mut().filter(|result| result.case == case.name()).flat_map(|result| &mut result.rows);
            for row in rows.filter(|row| row.program == program.name) {
                row.instructions = Some(each);
            }
        }
    }
    Ok(())
}

/// Whether valgrind is here.
pub(crate) fn can_be_counted() -> bool {
    std::process::Command::new("valgrind").arg("--version").output().is_ok()
}

/// From the start of the process to its first `/next`, and its end.
pub(crate) async fn of_init(world: &World, program: &Program) -> Result<u64, Failure> {
    run(world, program, None).await
}

/// Of one event, once it is warm.
pub(crate) async fn of_event(world: &World, program: &Program, case: &Case) -> Result<u64, Failure> {
    let short = run(world, program, Some((case, SHORT))).await?;
    let long = run(world, program, Some((case, LONG))).await?;
    Ok(long.saturating_sub(short) / ((LONG - SHORT) * case.events()) as u64)
}

/// The instructions of a whole run.
async fn run(world: &World, program: &Program, invocations: Option<(&Case, usize)>) -> Result<u64, Failure> {
    let counts = world.file("cachegrind.out");
    let mut out_file = OsString::from("--cachegrind-out-file=");
    out_file.push(&counts);
    let valgrind = [OsString::from("valgrind"), "--tool=cachegrind".into(), "--cache-sim=no".into(), "--quiet".into(), out_file];
    let mut child = Child::start(world, program, &valgrind).await?;
    if let Some((case, number)) = invocations {
        for _ in 0..number {
            child.invoke(case).await?;
        }
    }
    // Valgrind writes what it has counted when the program is ended.
    child.terminate()?;
    let said = fs::read_to_string(&counts).map_err(|error| Failure::file(&counts, error))?;
    let total = said.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    total
        .and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| Failure::Other(format!("{} has no total", counts.display())))
}
