//! The measuring: programs are started in turn, and take turns in short rounds.

use crate::arguments::{Arguments, Counts};
use crate::cases::{self, Case};
use crate::child::{Child, World};
use crate::failure::Failure;
use crate::instructions;
use crate::machine::Machine;
use crate::programs::{Program, Role};
use crate::results::{CaseResult, ProgramResult, Results, Row, Settings, Spread};
use crate::say;
use crate::statistics::{median, percentile};
use std::time::Duration;

pub(crate) async fn all(world: &World, programs: &[Program], cases: &[Case], arguments: &Arguments) -> Result<Results, Failure> {
    let counts = arguments.counts();
    let machine = Machine::read(arguments.python.as_deref());
    let mut results = Results { machine, settings: settings(world, counts), programs: Vec::new(), cases: Vec::new() };
    for role in [Role::Receiver, Role::Processor] {
        let programs: Vec<&Program> = programs.iter().filter(|program| program.role == role).collect();
        let cases: Vec<&Case> = cases.iter().filter(|case| case.role() == role).collect();
        if cases.is_empty() {
            continue;
        }
        results.programs.extend(starts(world, &programs, role, counts.starts).await?);
        for case in cases {
            results.cases.push(warm(world, &programs, case, counts).await?);
        }
    }
    if arguments.instructions {
        instructions::count(world, programs, cases, &mut results).await?;
    }
    Ok(results)
}

fn settings(world: &World, counts: Counts) -> Settings {
    // Set by the script, whose arguments people know.
    let command = std::env::var("BENCH_COMMAND").unwrap_or_default();
    let Counts { starts, events, rounds, .. } = counts;
    Settings { command, tls: world.has_tls(), starts, events, rounds }
}

/// The case whose event is a program's first.
fn first_case(role: Role) -> Result<Case, Failure> {
    let mut of_role = cases::all().into_iter().filter(|case| case.role() == role);
    of_role.next().ok_or_else(|| Failure::Other("a function without a case".to_owned()))
}

/// INIT and the first event of each program.
async fn starts(world: &World, programs: &[&Program], role: Role, starts: usize) -> Result<Vec<ProgramResult>, Failure> {
    let case = first_case(role)?;
    let mut seen = vec![(Vec::new(), Vec::new(), Default::default()); programs.len()];
    // The first of each isn't counted: its files aren't in memory yet.
    for start in 0..=starts {
        for (program, (inits, firsts, calls)) in programs.iter().zip(&mut seen) {
            let mut child = Child::start(world, program, &[]).await?;
            *calls = child.aws.take_counts().into_iter().map(|(operation, count)| (operation, count.calls)).collect();
            let first = child.invoke(&case).await?.took;
            if start > 0 {
                inits.push(child.init);
                firsts.push(first);
            }
        }
    }
    let results = programs.iter().zip(seen).map(|(program, (inits, firsts, init_calls))| {
        say(&format!("{}: INIT {:.1?}, first event {:.2?}", program.title(), median(&inits), median(&firsts)));
        ProgramResult {
            program: program.name,
            role,
            language: program.language,
            artefact_bytes: program.artefact_bytes,
            init_ms: spread(&inits),
            first_ms: spread(&firsts),
            init_calls,
            init_instructions: None,
        }
    });
    Ok(results.collect())
}

/// What was measured of one program.
#[derive(Default)]
struct Warm {
    took: Vec<Duration>,
    cpu: Duration,
    log_bytes: u64,
}

/// One case: all its programs run, and only one of them at a time has something to do.
async fn warm(world: &World, programs: &[&Program], case: &Case, counts: Counts) -> Result<CaseResult, Failure> {
    let invocations = counts.events.div_ceil(case.events()).max(counts.invocations);
    let each_round = invocations.div_ceil(counts.rounds);
    let mut running = Vec::new();
    for program in programs.iter().filter(|program| case.has(program)) {
        let mut child = Child::start(world, program, &[]).await?;
        for _ in 0..invocations.div_ceil(10) {
            child.invoke(case).await?;
        }
        child.aws.take_counts();
        running.push((child, Warm::default()));
    }
    for _ in 0..counts.rounds {
        for (child, warm) in &mut running {
            let (cpu, log_bytes) = (child.cpu()?, child.log_bytes());
            for _ in 0..each_round {
                warm.took.push(child.invoke(case).await?.took);
            }
            warm.cpu += child.cpu()?.saturating_sub(cpu);
            warm.log_bytes += child.log_bytes().saturating_sub(log_bytes);
        }
    }
    let mut rows = Vec::new();
    for (child, Warm { took, cpu, log_bytes }) in &running {
        let events = (took.len() * case.events()) as f64;
        let row = Row {
            program: child.program.name,
            language: child.program.language,
            invocations: took.len(),
            p50_ms: ms(median(took)),
            p99_ms: ms(percentile(took, 99)),
            cpu_ms: ms(*cpu) / events,
            peak_rss_bytes: child.peak_rss()?,
            log_bytes: *log_bytes as f64 / events,
            aws: child.aws.take_counts(),
            instructions: None,
        };
        say(&format!("{}, {}: {:.3} ms of CPU an event, p50 {:.2} ms", case.name(), row.program, row.cpu_ms, row.p50_ms));
        rows.push(row);
    }
    Ok(CaseResult { case: case.name(), role: case.role(), events: case.events(), rows })
}

fn spread(values: &[Duration]) -> Spread {
    let at = |percent| ms(percentile(values, percent));
    Spread { p10: at(10), median: at(50), p90: at(90) }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
