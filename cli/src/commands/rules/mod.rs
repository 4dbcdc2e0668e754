//! `tidings rules`: tries rules on events, with the real processor over stores in memory.

mod absent;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod expressions;
mod files;
mod found;
mod given;
mod known;
pub(crate) mod on_record;
pub(crate) mod test;
mod types;
mod warning;
pub(crate) mod world;

pub(crate) use files::{RulesFile, other_rules, rules, schemas};

use crate::subcommands::subcommands;
use check::RulesCheck;
use diff::RulesDiff;
use explain::RulesExplain;
use test::RulesTest;

subcommands! {
    pub enum RulesCommand {
        /// Check for errors, for what can never happen, for fields that may be missing, and for the cost of expressions
        Check(options: RulesCheck) => check::run(options),
        /// Run tests: given events, expected contexts and actions
        Test(options: RulesTest) => test::run(options).await,
        /// Show which rules match an event, and why the others don't
        Explain(options: RulesExplain) => explain::run(options).await,
        /// Show what other rules would do with the same events
        Diff(options: RulesDiff) => diff::run(options).await,
    }
}

#[cfg(test)]
mod tests {
    use crate::fuzz;
    use tidings_project::{read_event_schema, read_rules, read_source_names, read_sources};

    const SOURCES: &[u8] = include_bytes!("../../../../events/project/sources.yaml");

    #[test]
    fn no_rules_make_a_command_panic() {
        let names: Vec<String> = tidings_events::project::sources().into_iter().map(|source| source.name).collect();
        let shipped = include_bytes!("../../../../events/project/rules.yaml");
        let events = super::known::of_corpus(&tidings_events::project::sources(), super::given::noon()).unwrap();
        let lint = include_bytes!("../../../tests/rules/lint.yaml");
        let absent = include_bytes!("../../../tests/rules/absent.yaml");
        let (sources, schemas) = (tidings_events::project::sources(), tidings_events::project::schemas());
        fuzz::never_panics(&[shipped, lint, absent], |bytes| {
            if let Ok(rules) = read_rules("rules.yaml", &fuzz::text(bytes), &names) {
                let _ = super::check::look(&rules, &fuzz::text(bytes), events.clone(), &sources, &schemas);
            }
        });
    }

    #[test]
    fn no_sources_make_a_command_panic() {
        let providers = tidings_project::presets();
        fuzz::never_panics(&[SOURCES], |bytes| {
            let _ = read_sources("sources.yaml", &fuzz::text(bytes), &providers);
            let _ = read_source_names("sources.yaml", &fuzz::text(bytes));
        });
    }

    #[test]
    fn no_schema_makes_a_command_panic() {
        let schema = include_bytes!("../../../../events/project/schemas/orders/order.delivered/1.json");
        fuzz::never_panics(&[schema], |bytes| {
            let _ = read_event_schema("schemas/orders/order.delivered/1.json", &fuzz::text(bytes), &["orders".to_owned()]);
        });
    }
}
