//! Tables and queues as `template.yaml` defines them, so that the embedded cloud can't drift from the deployed one.

use crate::Failure;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use serde_json::Value;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The template, with support for the CloudFormation functions that it uses.
#[derive(Debug)]
pub(crate) struct Blueprint(Value);

/// The attributes of a queue that `dev` uses.
#[derive(Debug)]
pub(crate) struct QueueBlueprint {
    pub max_message_bytes: u64,
    pub retention_seconds: u64,
    /// Ordered by message group.
    pub fifo: bool,
}

impl Blueprint {
    pub(crate) fn read() -> Result<Self, Failure> {
        // Its tags (!Ref, !FindInMap …) read as plain values: a name, a list.
        serde_saphyr::from_str(TEMPLATE).map(Self).map_err(|error| Failure::new(format!("template.yaml: {error}")))
    }

    /// The redrive policy's receive count.
    pub(crate) fn max_receive_count(&self) -> Result<u32, Failure> {
        let count = self.number("EventsQueue", "/RedrivePolicy/maxReceiveCount")?;
        u32::try_from(count).map_err(|_| Failure::new("template.yaml: maxReceiveCount is too large"))
    }

    pub(crate) fn batch_size(&self) -> Result<i32, Failure> {
        let size = self.number("ProcessorSource", "/BatchSize")?;
        i32::try_from(size).map_err(|_| Failure::new("template.yaml: BatchSize is too large"))
    }

    pub(crate) fn queue(&self, resource: &str) -> Result<QueueBlueprint, Failure> {
        Ok(QueueBlueprint {
            max_message_bytes: self.number(resource, "/MaximumMessageSize")?,
            retention_seconds: self.number(resource, "/MessageRetentionPeriod")?,
            fifo: self.property(resource, "/FifoQueue").is_ok_and(|fifo| fifo == &Value::Bool(true)),
        })
    }

    /// The call that creates a table as in the template.
    pub(crate) async fn create_table(
        &self,
        client: &aws_sdk_dynamodb::Client,
        resource: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let mut create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        for attribute in self.list(resource, "/AttributeDefinitions")? {
            let definition = AttributeDefinition::builder()
                .attribute_name(text(attribute, "AttributeName")?)
                .attribute_type(ScalarAttributeType::from(text(attribute, "AttributeType")?));
            create = create.attribute_definitions(definition.build().map_err(unbuilt)?);
        }
        for element in key_schema(self.list(resource, "/KeySchema")?)? {
            create = create.key_schema(element);
        }
        for index in self.list(resource, "/GlobalSecondaryIndexes").into_iter().flatten() {
            let projected = &index["Projection"];
            let mut projection = Projection::builder().projection_type(ProjectionType::from(text(projected, "ProjectionType")?));
            for attribute in projected["NonKeyAttributes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                projection = projection.non_key_attributes(attribute);
            }
            let index = GlobalSecondaryIndex::builder()
                .index_name(text(index, "IndexName")?)
                .set_key_schema(Some(key_schema(array(index, "KeySchema")?)?))
                .projection(projection.build());
            create = create.global_secondary_indexes(index.build().map_err(unbuilt)?);
        }
        match create.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => Ok(()),
            Err(error) => Err(Failure::new(format!("table {name}: {}", tidings_core::aws::cause(&error)))),
        }
    }

    fn property(&self, resource: &str, path: &str) -> Result<&Value, Failure> {
        let place = format!("/Resources/{resource}/Properties{path}");
        let value = self.0.pointer(&place).ok_or_else(|| Failure::new(format!("template.yaml has no {place}")))?;
        // !FindInMap [Map, Key, Name]
        let mapped = value.as_array().and_then(|keys| {
            let keys: Option<Vec<&str>> = keys.iter().map(Value::as_str).collect();
            self.0.pointer(&format!("/Mappings/{}", keys?.join("/")))
        });
        Ok(mapped.unwrap_or(value))
    }

    fn number(&self, resource: &str, path: &str) -> Result<u64, Failure> {
        let value = self.property(resource, path)?;
        value.as_u64().ok_or_else(|| Failure::new(format!("template.yaml: {resource}{path} is {value}, not a number")))
    }

    fn list(&self, resource: &str, path: &str) -> Result<&Vec<Value>, Failure> {
        let value = self.property(resource, path)?;
        value.as_array().ok_or_else(|| Failure::new(format!("template.yaml: {resource}{path} isn't a list")))
    }
}

fn array<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>, Failure> {
    value[name].as_array().ok_or_else(|| Failure::new(format!("template.yaml: {name} isn't a list")))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, Failure> {
    value[name].as_str().ok_or_else(|| Failure::new(format!("template.yaml: {name} isn't a text")))
}

fn key_schema(elements: &[Value]) -> Result<Vec<KeySchemaElement>, Failure> {
    let element = |e: &Value| {
        let element =
            KeySchemaElement::builder().attribute_name(text(e, "AttributeName")?).key_type(KeyType::from(text(e, "KeyType")?));
        element.build().map_err(unbuilt)
    };
    elements.iter().map(element).collect()
}

fn unbuilt(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("template.yaml: {error}"))
}
