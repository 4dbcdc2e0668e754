//! Prices of AWS in a region: a file of dated list prices.

use serde::{Deserialize, Serialize};

/// The prices of us-east-1, as a file of the form that [`Prices::parse`] reads.
pub const US_EAST_1: &str = include_str!("../../../infra/cost/us-east-1.toml");

/// A list price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Dollars for `per` units.
    pub dollars: f64,
    pub per: u64,
    /// What is counted, in words.
    pub unit: String,
    /// The page with the price.
    pub source: String,
    /// When it was read there: a year and a month, or a day.
    pub read: String,
    /// The text that cites the page, if the page itself wasn't read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl Price {
    /// The dollars of a quantity.
    pub fn of(&self, quantity: f64) -> f64 {
        quantity * self.dollars / super::real(self.per)
    }
}

/// All prices of a bill. A file without one of them, or with another, is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    pub region: String,
    pub http_request: Price,
    pub lambda_request: Price,
    pub lambda_gb_second_arm64: Price,
    pub lambda_gb_second_x86_64: Price,
    pub sqs_request: Price,
    pub sqs_fifo_request: Price,
    pub sqs_fair_request: Price,
    pub write_unit: Price,
    pub read_unit: Price,
    pub table_gb_month: Price,
    pub backup_gb_month: Price,
    pub log_gb: Price,
    pub log_gb_month: Price,
    pub metric: Price,
    pub alarm: Price,
    pub composite_alarm: Price,
    pub dashboard: Price,
    pub secret: Price,
    pub trace: Price,
    pub poller_hour: Price,
    pub custom_event: Price,
    pub sns_fifo_publish: Price,
    pub kinesis_gb: Price,
    pub kinesis_stream_hour: Price,
    pub firehose_gb: Price,
}

impl Prices {
    /// Those of us-east-1.
    pub fn shipped() -> Result<Self, String> {
        Self::parse(US_EAST_1)
    }

    /// Errors: what is missing, unknown or not a price, in words that name the entry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let prices: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let wrong =
            prices.all().into_iter().find(|(_, price)| !(price.dollars.is_finite() && price.dollars >= 0.0 && price.per > 0));
        match wrong {
            Some((name, price)) => {
                let Price { dollars, per, .. } = price;
                Err(format!("{name}: {dollars} dollars for {per}; allowed: a number of dollars from 0 on, for 1 or more"))
            }
            None => Ok(prices),
        }
    }

    /// Every price, by its name in the file.
    pub fn all(&self) -> [(&'static str, &Price); 25] {
        [
            ("http_request", &self.http_request),
            ("lambda_request", &self.lambda_request),
            ("lambda_gb_second_arm64", &self.lambda_gb_second_arm64),
            ("lambda_gb_second_x86_64", &self.lambda_gb_second_x86_64),
            ("sqs_request", &self.sqs_request),
            ("sqs_fifo_request", &self.sqs_fifo_request),
            ("sqs_fair_request", &self.sqs_fair_request),
            ("write_unit", &self.write_unit),
            ("read_unit", &self.read_unit),
            ("table_gb_month", &self.table_gb_month),
            ("backup_gb_month", &self.backup_gb_month),
            ("log_gb", &self.log_gb),
            ("log_gb_month", &self.log_gb_month),
            ("metric", &self.metric),
            ("alarm", &self.alarm),
            ("composite_alarm", &self.composite_alarm),
            ("dashboard", &self.dashboard),
            ("secret", &self.secret),
            ("trace", &self.trace),
            ("poller_hour", &self.poller_hour),
            ("custom_event", &self.custom_event),
            ("sns_fifo_publish", &self.sns_fifo_publish),
            ("kinesis_gb", &self.kinesis_gb),
            ("kinesis_stream_hour", &self.kinesis_stream_hour),
            ("firehose_gb", &self.firehose_gb),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shipped_price_has_a_source_and_a_date() {
        let prices = Prices::shipped().expect("prices");
        for (name, price) in prices.all() {
            assert!(price.source.starts_with("https://"), "{name}");
            assert!(price.read.starts_with("2026-"), "{name}: {}", price.read);
        }
    }

    #[test]
    fn a_file_without_a_price_with_an_unknown_one_or_with_a_negative_one_is_refused_by_its_name() {
        let whole = |from: &str, to: &str| Prices::parse(&US_EAST_1.replacen(from, to, 1)).expect_err("refused");
        assert!(whole("[write_unit]", "[writing_unit]").contains("writing_unit"));
        let without = US_EAST_1.split("[dashboard]").next().expect("the rest");
        assert!(Prices::parse(without).expect_err("refused").contains("dashboard"));
        for negative in ["dollars = -1.0", "dollars = nan", "dollars = inf"] {
            let said = whole("dollars = 1.00", negative);
            assert!(said.starts_with("http_request: ") && said.contains("allowed"), "{said}");
        }
        assert!(whole("per = 1_000_000", "per = 0").starts_with("http_request: "));
    }

    #[test]
    fn a_price_is_for_as_many_units_as_it_says() {
        let prices = Prices::shipped().expect("prices");
        assert!((prices.write_unit.of(2e6) - 1.25).abs() < 1e-9);
        assert!((prices.secret.of(2.0) - 0.80).abs() < 1e-9);
    }
}
