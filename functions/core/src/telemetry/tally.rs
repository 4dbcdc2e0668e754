//! The metrics of one invocation, in as few lines of CloudWatch's embedded metric format as possible. CloudWatch
//! reads them from the log, so a metric costs no call and no wait, only its bytes.

use super::metric::{By, Kind, Metric};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use tidings_config::limits::MAX_METRIC_VALUES;
use tidings_config::time::Timestamp;

/// Every value of a metric, in order.
type Samples = BTreeMap<Metric, Vec<u64>>;

/// The metrics since the last flush.
#[derive(Debug)]
pub(super) struct Tally {
    /// By source. Metrics without a source are under the empty name.
    sources: BTreeMap<String, OfSource>,
    /// Whether metrics over all sources are also metrics of each source.
    source_metrics: bool,
}

#[derive(Debug, Default)]
struct OfSource {
    samples: Samples,
    /// By the value of a dimension beside the source. A line can have one.
    words: BTreeMap<&'static str, BTreeMap<String, Samples>>,
}

impl Tally {
    pub(super) const fn new(source_metrics: bool) -> Self {
        Self { sources: BTreeMap::new(), source_metrics }
    }

    pub(super) fn add(&mut self, metric: Metric, source: &str, word: &str, value: u64) {
        let of_source = self.sources.entry(source.to_owned()).or_default();
        let samples = match metric.by().word() {
            None => &mut of_source.samples,
            Some(dimension) => of_source.words.entry(dimension).or_default().entry(word.to_owned()).or_default(),
        };
        samples.entry(metric).or_default().push(value);
    }

    /// The lines of all metrics, which are then removed; each is JSON and ends with a line feed. Metrics over all sources are part of
    /// a source's line if there is one.
    pub(super) fn lines(&mut self, namespace: &str, now: Timestamp) -> Vec<String> {
        let mut sources = std::mem::take(&mut self.sources);
        if sources.len() > 1
            && let Some(over_all) = sources.remove("")
            && let Some(mut first) = sources.first_entry()
        {
            first.get_mut().samples.extend(over_all.samples);
            for (dimension, words) in over_all.words {
                first.get_mut().words.entry(dimension).or_default().extend(words);
            }
        }
        let lines = sources.into_iter().flat_map(|(source, of)| of.lines(&source));
        lines.map(|line| line.written(namespace, now, self.source_metrics)).collect()
    }
}

impl OfSource {
    fn lines(self, source: &str) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut at = |n: usize, samples: Samples, word: Option<(&'static str, &str)>| {
            for (part, samples) in parts(samples).into_iter().enumerate() {
                while lines.len() <= n + part {
                    let source = (!source.is_empty()).then(|| ("source", source.to_owned()));
                    lines.push(Line { dimensions: source.into_iter().collect(), samples: Samples::new() });
                }
                let line = &mut lines[n + part];
                line.dimensions.extend(word.map(|(dimension, word)| (dimension, word.to_owned())));
                line.samples.extend(samples);
            }
        };
        at(0, self.samples, None);
        for (dimension, words) in self.words {
            for (n, (word, samples)) in words.into_iter().enumerate() {
                at(n, samples, Some((dimension, &word)));
            }
        }
        lines
    }
}

/// Splits samples into lines: counts become one sum, and a line has a bounded number of single values.
fn parts(samples: Samples) -> Vec<Samples> {
    let mut parts: Vec<Samples> = Vec::new();
    for (metric, values) in samples {
        let values = match metric.kind() {
            Kind::Count => vec![values.iter().sum()],
            Kind::Milliseconds | Kind::Share | Kind::Index => values,
        };
        for (part, values) in values.chunks(MAX_METRIC_VALUES).enumerate() {
            if parts.len() <= part {
                parts.push(Samples::new());
            }
            parts[part].insert(metric, values.to_vec());
        }
    }
    parts
}

/// One document.
#[derive(Debug)]
struct Line {
    /// Each once: a line has one source, and one word of each dimension.
    dimensions: Vec<(&'static str, String)>,
    samples: Samples,
}

impl Line {
    /// The source stays a property of the line where it is no dimension.
    fn written(self, namespace: &str, now: Timestamp, source_metrics: bool) -> String {
        let mut directives: BTreeMap<&[&[&str]], Vec<Definition>> = BTreeMap::new();
        for metric in self.samples.keys() {
            let by: By = metric.by();
            let definition = Definition { name: metric.name(), unit: metric.unit() };
            directives.entry(by.billed(source_metrics)).or_default().push(definition);
        }
        let directive = |(dimensions, metrics)| Directive { namespace, dimensions, metrics };
        let about = About { timestamp: now.unix_ms(), directives: directives.into_iter().map(directive).collect() };
        let mut line = serde_json::to_string(&Document { line: &self, about }).expect("its keys are strings");
        line.push('\n');
        line
    }
}

/// A line in the embedded metric format.
struct Document<'a> {
    line: &'a Line,
    about: About<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct About<'a> {
    timestamp: i64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: &'static [&'static [&'static str]],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (dimension, word) in &self.line.dimensions {
            map.serialize_entry(dimension, word)?;
        }
        for (metric, values) in &self.line.samples {
            match values.as_slice() {
                [only] => map.serialize_entry(metric.name(), only)?,
                many => map.serialize_entry(metric.name(), many)?,
            }
        }
        map.serialize_entry("_aws", &self.about)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lines(said: &[(Metric, &str, &str, u64)]) -> Vec<Value> {
        lines_of(said, true)
    }

    fn lines_of(said: &[(Metric, &str, &str, u64)], source_metrics: bool) -> Vec<Value> {
        let mut tally = Tally::new(source_metrics);
        for (metric, source, word, value) in said {
            tally.add(*metric, source, word, *value);
        }
        let lines = tally.lines("Tidings/test", Timestamp::from_unix_ms(1_795_168_800_000));
        let one_line = |line: &String| line.matches('\n').count() == 1 && line.ends_with('\n');
        assert!(lines.iter().all(one_line), "{lines:?}");
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(tally.lines("Tidings/test", Timestamp::from_unix_ms(0)).is_empty(), "written once");
        lines.iter().for_each(assert_valid);
        lines
    }

    /// CloudWatch's requirements: every declared metric and dimension exists, and no other.
    fn assert_valid(line: &Value) {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1_795_168_800_000_i64);
        let mut declared = vec!["_aws", "source"];
        for directive in directives {
            assert_eq!(directive["Namespace"], "Tidings/test");
            for metric in directive["Metrics"].as_array().unwrap() {
                let value = &line[metric["Name"].as_str().unwrap()];
                let many = value.as_array();
                assert!(
                    value.is_u64() || many.is_some_and(|v| v.len() <= MAX_METRIC_VALUES && v.iter().all(Value::is_u64)),
                    "{line}"
                );
                declared.push(metric["Name"].as_str().unwrap());
            }
            for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap()) {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} in {line}");
                declared.push(dimension.as_str().unwrap());
            }
        }
        assert!(line.as_object().unwrap().keys().all(|key| declared.contains(&key.as_str())), "{line}");
    }

    #[test]
    fn an_invocation_is_one_line() {
        let lines = lines(&[
            (Metric::Received, "stripe", "", 1),
            (Metric::ClaimLatency, "", "", 3),
            (Metric::ArrivalLag, "stripe", "", 310),
            (Metric::ColdStart, "", "receiver", 40),
            (Metric::Duplicate, "stripe", "processed", 1),
        ]);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["Received"], &line["ClaimLatency"], &line["state"]), (&json!(1), &json!(3), &json!("processed")));
        let dimensions_of = |name: &str| {
            let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
            let has = |d: &&Value| d["Metrics"].as_array().unwrap().iter().any(|m| m["Name"] == name);
            directives.iter().find(has).unwrap()["Dimensions"].clone()
        };
        assert_eq!(dimensions_of("Received"), json!([[], ["source"]]));
        assert_eq!(dimensions_of("ClaimLatency"), json!([[]]));
        assert_eq!(dimensions_of("Duplicate"), json!([["source", "state"]]));
        assert_eq!(dimensions_of("ColdStart"), json!([["function"]]));
    }

    #[test]
    fn without_metrics_of_sources_a_line_still_says_which_source_it_is() {
        let said = [(Metric::Received, "stripe", "", 1), (Metric::Dead, "stripe", "rule", 1)];
        let lines = lines_of(&said, false);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let dimensions: Vec<_> =
            line["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter().map(|one| one["Dimensions"].clone()).collect();
        assert_eq!((dimensions, &line["source"]), (vec![json!([[]]), json!([["source", "reason"]])], &json!("stripe")));
    }

    #[test]
    fn a_metric_of_each_source_is_by_source_alone_whatever_the_deployment_asks_for() {
        for source_metrics in [false, true] {
            let lines = lines_of(&[(Metric::Heard, "stripe", "", 1), (Metric::Received, "stripe", "", 1)], source_metrics);
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
            let heard = directives.iter().find(|one| one["Metrics"][0]["Name"] == "Heard").expect("the metric");
            assert_eq!((&heard["Dimensions"], &line["source"]), (&json!([["source"]]), &json!("stripe")));
        }
    }

    #[test]
    fn counts_are_a_sum_and_values_stay_apart() {
        let said: Vec<_> = [5, 7].map(|ms| [(Metric::Processed, "a", "", 1), (Metric::ProcessingLag, "a", "", ms)]).concat();
        let lines = lines(&said);
        assert_eq!((&lines[0]["Processed"], &lines[0]["ProcessingLag"]), (&json!(2), &json!([5, 7])));
    }

    #[test]
    fn a_line_has_one_source_and_one_word_of_each_dimension() {
        let lines = lines(&[
            (Metric::Dead, "a", "rule", 1),
            (Metric::Dead, "a", "payload", 1),
            (Metric::Duplicate, "a", "enqueued", 1),
            (Metric::Dead, "b", "rule", 1),
            (Metric::HighReceiveCount, "a", "", 1),
        ]);
        let said: Vec<_> = lines.iter().map(|l| (&l["source"], &l["reason"], &l["Dead"], &l["HighReceiveCount"])).collect();
        let (a, b, one, none) = (json!("a"), json!("b"), json!(1), Value::Null);
        assert_eq!(
            said,
            [(&a, &json!("payload"), &one, &one), (&a, &json!("rule"), &one, &none), (&b, &json!("rule"), &one, &none)]
        );
    }

    #[test]
    fn more_values_than_a_line_may_have_are_more_lines() {
        for (values, expected) in [(MAX_METRIC_VALUES, 1), (MAX_METRIC_VALUES + 1, 2)] {
            let mut said = vec![(Metric::ClaimLatency, "", "", 1); values];
            said.push((Metric::Accepted, "a", "", 1));
            assert_eq!(lines(&said).len(), expected);
        }
    }

    /// docs/metrics.md states this number.
    #[test]
    fn a_forged_request_costs_400_bytes() {
        let said = [(Metric::Received, ""), (Metric::Unauthentic, ""), (Metric::Refused, "mismatch")];
        let lines = lines(&said.map(|(metric, word)| (metric, "stripe", word, 1)));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(line.to_string().len() <= 400, "{} bytes", line.to_string().len());
    }

    #[test]
    fn no_metrics_give_no_line() {
        assert!(lines(&[]).is_empty());
    }
}
