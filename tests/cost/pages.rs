//! Everything that quotes a price or a sum quotes `infra/cost`.

use serde_json::Value;
use tidings_cli::cost::{Counts, Prices, Usage, Variant, each_million, of_a_month, of_others, of_variants};
use tidings_tests::golden::{check_between, root};
use tidings_tests::template::{FrontDoor, Template};

const END: &str = "<!-- end -->";

fn shipped() -> (Counts, Prices) {
    (Counts::shipped().expect("counts"), Prices::shipped().expect("prices"))
}

#[test]
fn the_pages_have_the_bills_that_the_command_has() {
    let (counts, prices) = shipped();
    check_between("docs/deploy.md", "<!-- made by tests/cost: each million -->", END, &each_million(&counts, &prices));
    check_between(
        "docs/deploy.md",
        "<!-- made by tests/cost: a month -->",
        "<!-- end of a month -->",
        &of_a_month(&counts, &prices),
    );
    check_between(
        "docs/deploy.md",
        "<!-- made by tests/cost: variants -->",
        "<!-- end of variants -->",
        &of_variants(&counts, &prices),
    );
    let others = of_others(&counts, &prices).expect("the services");
    check_between("docs/deploy.md", "<!-- made by tests/cost: elsewhere -->", "<!-- end of elsewhere -->", &others);
    check_between("README.md", "<!-- made by tests/cost: a month -->", END, &of_a_month(&counts, &prices));
}

/// The dashboard computes dollars in CloudWatch, with numbers of its own.
#[test]
fn the_dashboards_cost_is_computed_with_the_prices_of_the_command() {
    let (_, prices) = shipped();
    let text = std::fs::read_to_string(root().join("infra/dashboard.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let widgets = dashboard["widgets"].as_array().expect("widgets").iter();
    let cost = widgets
        .map(|one| &one["properties"])
        .find(|one| one["title"].as_str().is_some_and(|title| title.starts_with("Cost in $")));
    let metrics = cost.expect("the widget")["metrics"].as_array().expect("metrics");
    let expression = |id: &str| {
        let row = metrics.iter().find(|row| row[0]["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        row[0]["expression"].as_str().expect("an expression").to_owned()
    };
    let million = |price: &tidings_cli::cost::Price| price.of(1e6);
    let (request, second) = (million(&prices.lambda_request), million(&prices.lambda_gb_second_arm64));
    let functions = format!(
        "({request} * (FILL(r, 0) + FILL(p, 0)) + {second:.2} * (FILL(rms, 0) * ${{ReceiverMemoryMb}} + FILL(pms, 0) * ${{ProcessorMemoryMb}}) / 1024000) / accepted"
    );
    let sqs = format!("{} * (FILL(sent, 0) + 2 * FILL(p, 0) + FILL(empty, 0)) / accepted", million(&prices.sqs_request));
    let (write, read) = (million(&prices.write_unit), million(&prices.read_unit));
    let dynamodb = format!("({write} * (FILL(cw, 0) + FILL(xw, 0)) + {read} * FILL(xr, 0)) / accepted");
    let logs = format!("{} * (FILL(rl, 0) + FILL(pl, 0) + FILL(al, 0)) / 1000 / accepted", prices.log_gb.of(1.0));
    assert_eq!(
        ["functions", "sqs", "dynamodb", "logs"].map(expression),
        [functions, sqs, dynamodb, logs],
        "infra/dashboard.json has other prices than infra/cost/us-east-1.toml"
    );
    let template = Template::behind(FrontDoor::HttpApi);
    let door = template.property("Dashboard", "/DashboardBody/1")["DoorPrice"].clone();
    assert_eq!(door, Value::from(million(&prices.http_request).to_string()));
}

#[test]
fn a_bill_has_as_many_alarms_as_the_template() {
    let template = Template::read();
    let is_off = |resource: &Value| ["PublishesWatched", "HasKafkaWatched"].iter().any(|off| resource["Condition"] == *off);
    let is_counted = |resource: &Value, kind: &str| resource["Type"] == kind && !is_off(resource);
    let count = |kind: &str| template.resources().filter(|(_, resource)| is_counted(resource, kind)).count() as f64;
    let usage = Usage::idle(&Variant { alarms: true, dashboard: true, ..Variant::default() });
    // With its parameters' defaults: those of the publisher and of Kafka aren't there.
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"];
    assert_eq!([usage.alarms, usage.composite_alarms, usage.dashboards], kinds.map(count));
    let alone = template.resources().filter(|(_, resource)| resource["Condition"] == "WatchedOrGradual").count() as f64;
    let gradual = Usage::idle(&Variant { gradual_deployment: true, ..Variant::default() });
    assert!((gradual.alarms - alone).abs() < 1e-9, "{} and {alone}", gradual.alarms);
}
