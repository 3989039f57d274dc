//! A workflow's input as it arrives: one JSON object in one payload, every field optional.
//!
//! A workflow is often started by hand or by another starter, with no input, `null` or an object from another version.
//! The SDK answers an input that it cannot decode by failing the workflow *task*, which the server retries for ever: the
//! workflow hangs and its worker burns CPU. Here such an input ends the workflow as failed, at once and visibly.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::{
    data_converters::{PayloadConversionError, SerializationContext, TemporalDeserializable, TemporalSerializable},
    protos::temporal::api::common::v1::Payload,
};
use temporalio_sdk::{ApplicationFailure, WorkflowResult, WorkflowTermination};

use crate::{
    names,
    output::Output,
    payload::{JSON_ENCODING, is_json, json_payload},
};

/// The most steps (activities, children) of one workflow: about what a history of 51,200 events has room for.
pub const MAX_STEPS: u32 = 10_000;

/// A workflow's input as it arrived: a `T`, or why it is none.
#[derive(Clone, Debug)]
pub struct Input<T>(Result<T, String>);

impl<T> Input<T> {
    /// The input's value.
    ///
    /// # Errors
    /// A failure of type [`names::BAD_INPUT_FAILURE`] that ends the workflow, when the input was not a `T`.
    pub fn read(self) -> WorkflowResult<T> {
        self.0
            .map_err(|problem| bad_input(format!("the workflow's input cannot be read: {problem}")))
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Input(Ok(value))
    }
}

impl<T: DeserializeOwned + Default> TemporalDeserializable for Input<T> {
    fn from_payload(_: &SerializationContext<'_>, payload: Payload) -> Result<Self, PayloadConversionError> {
        Ok(Input(decode(&payload)))
    }

    fn from_payloads(
        context: &SerializationContext<'_>,
        mut payloads: Vec<Payload>,
    ) -> Result<Self, PayloadConversionError> {
        match payloads.len() {
            0 => Ok(Input(Ok(T::default()))),
            1 => Self::from_payload(context, payloads.remove(0)),
            more => Ok(Input(Err(format!("one argument is expected, {more} were given")))),
        }
    }
}

impl<T: Serialize> TemporalSerializable for Input<T> {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        let value = self
            .0
            .as_ref()
            .map_err(|problem| PayloadConversionError::EncodingError(problem.clone().into()))?;
        json_payload(value).map_err(|error| PayloadConversionError::EncodingError(error.into()))
    }
}

fn decode<T: DeserializeOwned + Default>(payload: &Payload) -> Result<T, String> {
    // `binary/null` and a missing payload have no data; both mean that every field has its default.
    if payload.data.is_empty() {
        return Ok(T::default());
    }
    if !is_json(payload) {
        return Err(format!("its encoding is not {JSON_ENCODING}"));
    }
    let value: Option<T> = serde_json::from_slice(&payload.data).map_err(|error| error.to_string())?;
    Ok(value.unwrap_or_default())
}

/// Refuses a count of steps that no history has room for.
pub(crate) fn check_steps(field: &str, steps: u32) -> WorkflowResult<()> {
    if steps > MAX_STEPS {
        return Err(bad_input(format!(
            "{field} is {steps}: at most {MAX_STEPS} fit into one workflow"
        )));
    }
    Ok(())
}

/// How a workflow that did its work ends: as completed with a result of some size, or as failed when its input told it to
/// fail.
pub(crate) fn end(fail: bool, result_size: u32) -> WorkflowResult<Output> {
    if fail {
        return Err(failure(
            names::INJECTED_FAILURE,
            "the workflow's input told it to fail".to_owned(),
        ));
    }
    Ok(Output::of_size(result_size))
}

fn bad_input(message: String) -> WorkflowTermination {
    failure(names::BAD_INPUT_FAILURE, message)
}

fn failure(kind: &str, message: String) -> WorkflowTermination {
    ApplicationFailure::builder(Message(message))
        .type_name(kind.to_owned())
        .non_retryable(true)
        .build()
        .into()
}

#[derive(Debug)]
struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::ENCODING_KEY;
    use benchmark_scenarios::workloads::SimpleInput;
    use std::collections::HashMap;
    use temporalio_common::data_converters::{
        GenericPayloadConverter, PayloadConverter, SerializationContextData, WorkflowSerializationContext,
    };

    /// Reads payloads the way the worker does.
    fn receive(payloads: Vec<Payload>) -> Result<SimpleInput, String> {
        let converter = PayloadConverter::default();
        let data = SerializationContextData::Workflow(WorkflowSerializationContext::new());
        let input: Input<SimpleInput> = converter
            .from_payloads(&SerializationContext::new(&data, &converter), payloads)
            .unwrap();
        input.read().map_err(|failure| failure.to_string())
    }

    fn json(text: &str) -> Payload {
        Payload {
            data: text.into(),
            ..json_payload(&()).unwrap()
        }
    }

    #[test]
    fn nothing_and_null_mean_the_defaults() {
        let binary_null = Payload {
            metadata: HashMap::from([(ENCODING_KEY.to_owned(), b"binary/null".to_vec())]),
            ..Default::default()
        };
        for payloads in [
            vec![],
            vec![json("null")],
            vec![json("{}")],
            vec![binary_null],
            vec![Payload::default()],
        ] {
            assert_eq!(receive(payloads.clone()), Ok(SimpleInput::default()), "{payloads:?}");
        }
    }

    #[test]
    fn fields_of_another_version_are_passed_over() {
        assert!(receive(vec![json(r#"{"fail":true,"later":[1]}"#)]).unwrap().fail);
    }

    #[test]
    fn what_is_no_input_is_refused_in_words() {
        let binary = Payload {
            metadata: HashMap::new(),
            data: vec![0xff],
            ..Default::default()
        };
        for (payloads, word) in [
            (vec![json("{")], "EOF"),
            (vec![json(r#"{"fail":7}"#)], "boolean"),
            (vec![json("5")], "invalid type"),
            (vec![binary], "encoding"),
            (vec![json("1"), json("2")], "2 were given"),
        ] {
            let problem = receive(payloads).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn survives_a_round_trip() {
        let input = SimpleInput {
            fail: true,
            payload: "x".repeat(10),
            result_size: 5,
        };
        assert_eq!(receive(vec![json_payload(&input).unwrap()]), Ok(input));
    }
}
