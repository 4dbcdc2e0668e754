//! The dashboard: its metrics, their units and their thresholds.

use crate::{alarms, emitted, read};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::telemetry::Metric;
use tidings_tests::golden::check_between;
use tidings_tests::template::{FrontDoor, Template};

fn dashboard() -> Value {
    dashboard_of(FrontDoor::HttpApi)
}

/// The dashboard of a stack with this front door, with the names of its `Fn::Sub` filled in.
fn dashboard_of(door: FrontDoor) -> Value {
    let mut text = read("infra/dashboard.json");
    for (name, value) in names_of(&Template::behind(door)) {
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    serde_json::from_str(&text).expect("infra/dashboard.json is JSON")
}

/// The names that the dashboard's `Fn::Sub` defines.
fn names_of(template: &Template) -> BTreeMap<String, String> {
    let names = template.property("Dashboard", "/DashboardBody/1").as_object().expect("names");
    names.iter().map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect()
}

/// The widgets with metrics, by title.
fn graphs(dashboard: &Value) -> Vec<(&str, &Value)> {
    let widgets = dashboard["widgets"].as_array().expect("widgets").iter();
    let graphs = widgets.filter(|widget| widget["type"] == "metric").map(|widget| &widget["properties"]);
    graphs.map(|properties| (properties["title"].as_str().expect("a title"), properties)).collect()
}

fn rows_of(properties: &Value) -> impl Iterator<Item = &[Value]> {
    properties["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|metric| metric.as_array().expect("a metric is a list").as_slice())
}

fn expression(row: &[Value]) -> Option<&str> {
    row[0]["expression"].as_str()
}

/// The metrics of a widget as (namespace, name, dimensions), searches included.
fn shown(properties: &Value) -> Vec<(String, String, Vec<String>)> {
    let searched = |expression: &str| -> Vec<_> {
        let searches = expression.split("SEARCH('{").skip(1);
        let one = |search: &str| {
            let (schema, rest) = search.split_once("} MetricName=\"").expect("a search for one name");
            let mut schema = schema.split(',').map(|word| word.trim_matches('"').to_owned());
            let namespace = schema.next().expect("a namespace");
            (namespace, rest.split('"').next().expect("a name").to_owned(), schema.collect())
        };
        searches.map(one).collect()
    };
    let metrics = |row: &[Value]| {
        if let Some(expression) = expression(row) {
            return searched(expression);
        }
        let words: Vec<&str> = row.iter().filter_map(Value::as_str).collect();
        let [namespace, name, dimensions @ ..] = words.as_slice() else { panic!("a metric or an expression: {row:?}") };
        vec![((*namespace).to_owned(), (*name).to_owned(), dimensions.iter().step_by(2).map(|d| (*d).to_owned()).collect())]
    };
    rows_of(properties).flat_map(metrics).collect()
}

pub(crate) fn on_the_dashboard(door: FrontDoor) -> BTreeSet<Metric> {
    let mut seen = BTreeSet::new();
    for (title, properties) in graphs(&dashboard_of(door)) {
        for (namespace, name, dimensions) in shown(properties) {
            let dimensions: Vec<&str> = dimensions.iter().map(String::as_str).collect();
            seen.extend(emitted(title, &namespace, &name, &dimensions));
        }
    }
    seen
}

/// CloudFormation accepts a dashboard only as one text, not as a file.
#[test]
fn the_template_has_the_dashboard_to_the_letter() {
    let dashboard = read("infra/dashboard.json");
    let indented: String = dashboard.lines().map(|line| format!("          {line}\n")).collect();
    check_between("template.yaml", "      DashboardBody: !Sub\n        - |", "        - DoorNamespace:", &indented);
}

/// `docs/pictures/run dashboard` draws it. A new widget needs a new picture, a new line in a widget doesn't.
#[test]
fn the_picture_in_the_docs_shows_every_widget_of_the_dashboard() {
    let picture = read("docs/dashboard.svg");
    for (title, _) in graphs(&dashboard()) {
        assert!(picture.contains(&format!(">{title}<")), "docs/dashboard.svg lacks {title:?}: run docs/pictures/run dashboard");
    }
}

/// The height of the first screen in rows of the grid, on a laptop.
const SCREEN: u64 = 18;
const MOST_WIDGETS: usize = 12;

#[test]
fn a_screen_of_the_dashboard_has_at_most_twelve_widgets_and_none_covers_another() {
    let dashboard = dashboard();
    let place = |widget: &Value, name: &str| widget[name].as_u64().expect("a whole number");
    let widgets: Vec<[u64; 4]> = dashboard["widgets"]
        .as_array()
        .expect("widgets")
        .iter()
        .map(|widget| ["x", "y", "width", "height"].map(|name| place(widget, name)))
        .collect();
    for (at, [x, y, width, height]) in widgets.iter().enumerate() {
        assert!(x + width <= 24, "widget {at} leaves the grid");
        for [other_x, other_y, other_width, other_height] in &widgets[at + 1..] {
            let apart = x + width <= *other_x || other_x + other_width <= *x;
            assert!(apart || y + height <= *other_y || other_y + other_height <= *y, "a widget covers widget {at}");
        }
        let seen = widgets.iter().filter(|[_, top, _, tall]| top + tall > *y && *top < y + SCREEN).count();
        assert!(seen <= MOST_WIDGETS, "{seen} widgets from row {y} on");
    }
}

#[test]
fn a_widget_that_is_normally_0_draws_zeros_when_nothing_is_counted() {
    let dashboard = dashboard();
    let rare: Vec<_> = graphs(&dashboard).into_iter().filter(|(title, _)| title.contains("normally 0")).collect();
    assert!(rare.len() >= 6);
    for (title, properties) in rare {
        // A search without results gives no line to fill, so at least one line needs a named metric.
        let named = |row: &[Value]| expression(row).is_some_and(|e| e.starts_with("FILL(") && !e.contains("SEARCH"));
        assert!(rows_of(properties).any(named), "{title} would be empty");
        let plain = |row: &[Value]| row.last().is_some_and(|options| options["visible"] == false) || expression(row).is_some();
        assert!(rows_of(properties).all(plain), "{title} shows a line without FILL");
        assert!(rows_of(properties).filter_map(expression).all(|e| e.starts_with("FILL(")), "{title} shows a line without FILL");
    }
}

#[test]
fn the_dashboard_draws_the_threshold_of_every_alarm_that_has_one_in_its_units() {
    let (template, dashboard) = (Template::read(), dashboard());
    let drawn: Vec<(&str, f64)> = graphs(&dashboard)
        .iter()
        .flat_map(|(_, properties)| properties["annotations"]["horizontal"].as_array().map_or(&[][..], Vec::as_slice))
        .map(|line| (line["label"].as_str().expect("a label"), line["value"].as_f64().expect("a number")))
        .collect();
    for (name, alarm) in alarms(&template) {
        let properties = &alarm["Properties"];
        let Some(threshold) = properties["Threshold"].as_f64() else { continue };
        // The dashboard is the same for all stacks: it has no graph of a queue that is there only with `Kafka=true`.
        if alarm["Condition"] == "HasKafkaWatched" {
            continue;
        }
        let falls = properties["ComparisonOperator"] == "LessThanThreshold";
        // A count per hour can't be compared with counts per five minutes.
        let slow_count = properties["Statistic"] == "Sum" && properties["Period"].as_u64() > Some(300);
        if threshold == 0.0 || falls || slow_count {
            continue;
        }
        let at = |value: f64| [1.0, 100.0, 0.001].iter().any(|unit| (threshold * unit - value).abs() < 1e-9);
        assert!(drawn.iter().any(|(label, value)| label.contains(name) && at(*value)), "{name}: no line at {threshold}");
    }
}

#[test]
fn every_name_on_the_dashboard_is_in_the_template() {
    let template = Template::read();
    let dashboard = read("infra/dashboard.json");
    let own = names_of(&template);
    let known = template.names();
    for name in dashboard.split("${").skip(1).map(|rest| rest.split(['}', '.']).next().expect("a name")) {
        assert!(name.starts_with("AWS::") || known.contains(name) || own.contains_key(name), "infra/dashboard.json: {name}");
    }
    // What only some stacks have can't be named on the dashboard of all: those alarms notify their topic.
    let is_of_every_stack =
        |resource: &Value| resource["Condition"].as_str().is_some_and(|condition| condition.starts_with("Watched"));
    let alarms = alarms(&template);
    let every = alarms.iter().filter(|(_, r)| r["Type"] == "AWS::CloudWatch::Alarm" && is_of_every_stack(r));
    for (alarm, resource) in every {
        assert!(dashboard.contains(&format!("${{{alarm}.Arn}}")), "{alarm} isn't on the dashboard: {resource}");
    }
}
