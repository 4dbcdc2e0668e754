//! `tidings cost`: what a month costs on AWS, item by item, and what the same events cost elsewhere.
//!
//! Promises: without `--stack` it reads nothing but its own files. With it, it reads the stack's parameters and metrics,
//! and nothing else: `DescribeStacks`, `DescribeStackResources`, `GetMetricData`, `ListMetrics`.

mod measured;
mod options;
mod screen;

pub(crate) use options::CostOptions;

use crate::Failure;
use crate::cost::{Bill, Counts, Other, Prices, US_EAST_1, Usage, Variant, others};
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::style::{data, document, note, say};
use measured::{Found, Measured};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// The content of the screen, as plain data.
#[derive(Debug, Serialize)]
struct Report {
    /// The region of the prices.
    region: String,
    variant: Variant,
    /// Where the quantities are from.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
    dollars: f64,
    dollars_of_events: f64,
    dollars_a_million_events: Option<f64>,
    #[serde(flatten)]
    bill: Bill,
    elsewhere: Vec<Other>,
}

pub(crate) async fn run(options: CostOptions) -> Result<ExitCode, Failure> {
    let prices = prices(options.prices.as_deref())?;
    if options.print_prices {
        return print(&options, &prices);
    }
    let (variant, counts, measured) = match &options.target.at.stack {
        None => (Variant::default(), Counts::shipped().map_err(Failure::new)?, None),
        Some(stack) => {
            let Found { variant, counts, measured } = measured::of(&options.target.at, stack, options.over).await?;
            (variant, counts, Some(measured))
        }
    };
    let report = report(options.variant(variant)?, measured, &counts, &prices)?;
    if options.target.json {
        data(&serde_json::to_value(&report).map_err(|error| Failure::new(error.to_string()))?);
    } else {
        screen::lines(&report).iter().for_each(|line| say!("{line}"));
        if report.variant.publisher && report.variant.endpoints == 0 && report.variant.sinks.is_empty() {
            note("no delivery is part of it: --endpoints N and --sink KIND say where each event goes");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(variant: Variant, measured: Option<Measured>, counts: &Counts, prices: &Prices) -> Result<Report, Failure> {
    let bill = Bill::of(&Usage::counted(&variant, counts), &variant, prices);
    let of_events = bill.of_events();
    let each = (variant.events > 0).then(|| of_events / (variant.events as f64) * 1e6);
    Ok(Report {
        region: prices.region.clone(),
        dollars: bill.dollars(),
        dollars_of_events: of_events,
        dollars_a_million_events: each,
        elsewhere: others(&variant, counts, prices).map_err(Failure::new)?,
        variant,
        measured,
        bill,
    })
}

/// The prices in use: as JSON, or as the file that has them.
fn print(options: &CostOptions, prices: &Prices) -> Result<ExitCode, Failure> {
    if options.target.json {
        data(&serde_json::to_value(prices).map_err(|error| Failure::new(error.to_string()))?);
    } else {
        match &options.prices {
            None => document(US_EAST_1.as_bytes()),
            Some(file) => files::text(file, MAX_CONFIG_FILE_BYTES)?.lines().for_each(|line| say!("{line}")),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn prices(file: Option<&Path>) -> Result<Prices, Failure> {
    let Some(file) = file else { return Prices::shipped().map_err(Failure::new) };
    let text = files::text(file, MAX_CONFIG_FILE_BYTES)?;
    Prices::parse(&text).map_err(|error| {
        Failure::new(format!("{}: {error}", file.display()))
            .hint("`tidings cost --print-prices > FILE` writes one that is valid; replace its numbers by your region's")
    })
}
