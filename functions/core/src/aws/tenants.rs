//! The tenants table: a row for each tenant, under `{source}/{tenant}`.

use super::attributes::{Row, get_number, get_text, number, text};
use super::cause;
use crate::ports::{Replaced, TenantPage, TenantReader, TenantStore, Unavailable};
use crate::tenant::{TenantKey, TenantRecord};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use zeroize::Zeroizing;

/// [`TenantReader`] and [`TenantStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoTenants {
    client: Client,
    table: String,
}

impl DynamoTenants {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

const GET: &str = "dynamodb:GetItem";
const SCAN: &str = "dynamodb:Scan";
const PUT: &str = "dynamodb:PutItem";
const DELETE: &str = "dynamodb:DeleteItem";

/// The text of an unreadable record isn't part of the error: it has secrets.
fn read(row: &Row, call: &'static str) -> Result<TenantRecord, Unavailable> {
    let unreadable = || Unavailable {
        call,
        cause: format!("the record of tenant {:?} can't be read", get_text(row, "pk").unwrap_or_default()),
    };
    let json = get_text(row, "record").map(Zeroizing::new).ok_or_else(unreadable)?;
    let record: TenantRecord = serde_json::from_str(&json).map_err(|_| unreadable())?;
    Ok(TenantRecord { version: get_number(row, "version"), ..record })
}

#[async_trait]
impl TenantReader for DynamoTenants {
    async fn tenant(&self, key: &TenantKey) -> Result<Option<TenantRecord>, Unavailable> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(key.partition())).consistent_read(true);
        let got = get.send().await.map_err(|error| Unavailable { call: GET, cause: cause(&error) })?;
        got.item.as_ref().map(|row| read(row, GET)).transpose()
    }
}

#[async_trait]
impl TenantStore for DynamoTenants {
    async fn list(&self, source: Option<&str>, from: Option<&TenantKey>, at_most: usize) -> Result<TenantPage, Unavailable> {
        let scan = self.client.scan().table_name(&self.table).limit(i32::try_from(at_most).unwrap_or(i32::MAX));
        let scan = scan.set_exclusive_start_key(from.map(|key| Row::from([("pk".to_owned(), text(key.partition()))])));
        let scan = match source {
            Some(source) => scan
                .filter_expression("begins_with(pk, :source)")
                .expression_attribute_values(":source", text(format!("{source}/"))),
            None => scan,
        };
        let page = scan.send().await.map_err(|error| Unavailable { call: SCAN, cause: cause(&error) })?;
        let named = |row: &Row| get_text(row, "pk").and_then(|partition| TenantKey::stored(&partition));
        let tenants = page.items().iter().filter_map(|row| Some((named(row)?, row)));
        let tenants = tenants.map(|(key, row)| Ok((key, read(row, SCAN)?))).collect::<Result<Vec<_>, Unavailable>>()?;
        Ok(TenantPage { tenants, next: page.last_evaluated_key().and_then(named) })
    }

    async fn put(&self, key: &TenantKey, record: &TenantRecord) -> Result<Replaced, Unavailable> {
        let json = serde_json::to_string(record).expect("it has string keys and holds only JSON");
        let put = self.client.put_item().table_name(&self.table).item("pk", text(key.partition())).item("record", text(json));
        let put = match record.version {
            None => put.item("version", number(0)).condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .item("version", number(seen.saturating_add(1)))
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen)),
        };
        match put.send().await {
            Ok(_) => Ok(Replaced::Yes),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Replaced::Changed)
            }
            Err(error) => Err(Unavailable { call: PUT, cause: cause(&error) }),
        }
    }

    async fn delete(&self, key: &TenantKey) -> Result<(), Unavailable> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", text(key.partition()));
        delete.send().await.map(|_| ()).map_err(|error| Unavailable { call: DELETE, cause: cause(&error) })
    }
}
