//! Counts what the SDK's clients do: calls, bytes of requests, and the capacity that DynamoDB says it consumed.

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, Input, Output,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What was done since the last [`Counter::take`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Done {
    /// By `service:Operation`.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) write_units: f64,
    pub(crate) read_units: f64,
    pub(crate) request_bytes: u64,
}

/// An interceptor of one service's client.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    service: &'static str,
    done: Arc<Mutex<Done>>,
}

impl Counter {
    pub(crate) fn of(service: &'static str, done: &Arc<Mutex<Done>>) -> Self {
        Self { service, done: Arc::clone(done) }
    }
}

/// A condition that fails is billed as the item that would have been written. Every item here has at most 1 KB.
const FAILED_CONDITION_UNITS: f64 = 1.0;

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    /// Asks DynamoDB for the capacity, which the adapters don't.
    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        fn ask(input: &mut Input) -> Option<()> {
            let total = Some(ReturnConsumedCapacity::Total);
            if let Some(put) = input.downcast_mut::<PutItemInput>() {
                put.return_consumed_capacity = total;
            } else if let Some(update) = input.downcast_mut::<UpdateItemInput>() {
                update.return_consumed_capacity = total;
            } else if let Some(transaction) = input.downcast_mut::<TransactWriteItemsInput>() {
                transaction.return_consumed_capacity = total;
            } else if let Some(batch) = input.downcast_mut::<BatchGetItemInput>() {
                batch.return_consumed_capacity = total;
            } else if let Some(get) = input.downcast_mut::<GetItemInput>() {
                get.return_consumed_capacity = total;
            } else {
                input.downcast_mut::<QueryInput>()?.return_consumed_capacity = total;
            }
            Some(())
        }
        if self.service == "dynamodb" {
            ask(context.input_mut()).unwrap_or_else(|| panic!("{:?}: count its capacity here", context.input()));
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let mut done = self.done.lock().expect("nothing panics while it holds this");
        *done.calls.entry(format!("{}:{operation}", self.service)).or_default() += 1;
        done.request_bytes += request.body().bytes().map_or(0, |bytes| bytes.len() as u64);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.service != "dynamodb" {
            return Ok(());
        }
        let mut done = self.done.lock().expect("nothing panics while it holds this");
        match context.output_or_error() {
            Some(Ok(output)) => {
                let (write, read) = capacity(output);
                done.write_units += write;
                done.read_units += read;
            }
            Some(Err(_)) => done.write_units += FAILED_CONDITION_UNITS,
            None => {}
        }
        Ok(())
    }
}

/// Units of writes and of reads.
fn capacity(output: &Output) -> (f64, f64) {
    let units = |one: &ConsumedCapacity| one.capacity_units().expect("a total");
    let all = |many: &[ConsumedCapacity]| {
        assert!(!many.is_empty(), "DynamoDB said no capacity");
        many.iter().map(units).sum::<f64>()
    };
    if let Some(put) = output.downcast_ref::<PutItemOutput>() {
        (units(put.consumed_capacity().expect("a capacity")), 0.0)
    } else if let Some(update) = output.downcast_ref::<UpdateItemOutput>() {
        (units(update.consumed_capacity().expect("a capacity")), 0.0)
    } else if let Some(transaction) = output.downcast_ref::<TransactWriteItemsOutput>() {
        (all(transaction.consumed_capacity()), 0.0)
    } else if let Some(batch) = output.downcast_ref::<BatchGetItemOutput>() {
        (0.0, all(batch.consumed_capacity()))
    } else if let Some(get) = output.downcast_ref::<GetItemOutput>() {
        (0.0, units(get.consumed_capacity().expect("a capacity")))
    } else {
        let query = output.downcast_ref::<QueryOutput>().expect("an output that is counted");
        (0.0, units(query.consumed_capacity().expect("a capacity")))
    }
}
