//! A workflow's result: nothing, or as much ballast as its input asked for.

use std::collections::HashMap;

use temporalio_common::{
    data_converters::{PayloadConversionError, SerializationContext, TemporalDeserializable, TemporalSerializable},
    protos::temporal::api::common::v1::Payload,
};

use crate::payload::{ENCODING_KEY, json_payload};

/// The most that one result carries, bytes: what the server takes by default, with room for the rest of the answer.
pub const MAX_RESULT: u32 = 1 << 20;

/// What a workflow returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    size: u32,
}

impl Output {
    /// A result with that many bytes of text; with 0 there is no result, as of a function that returns nothing.
    pub fn of_size(size: u32) -> Self {
        Output {
            size: size.min(MAX_RESULT),
        }
    }

    /// Bytes of text.
    pub fn size(&self) -> u32 {
        self.size
    }
}

/// As many bytes of text, at most [`MAX_RESULT`].
pub(crate) fn ballast(size: u32) -> String {
    "x".repeat(size.min(MAX_RESULT) as usize)
}

impl TemporalSerializable for Output {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        if self.size == 0 {
            return Ok(Payload {
                metadata: HashMap::from([(ENCODING_KEY.to_owned(), b"binary/null".to_vec())]),
                ..Payload::default()
            });
        }
        json_payload(&ballast(self.size)).map_err(|error| PayloadConversionError::EncodingError(error.into()))
    }
}

impl TemporalDeserializable for Output {
    fn from_payload(_: &SerializationContext<'_>, payload: Payload) -> Result<Self, PayloadConversionError> {
        // A JSON text has two quotes; whatever else somebody's workflow returned is as good.
        let size = payload.data.len().saturating_sub(2);
        Ok(Output {
            size: u32::try_from(size).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_common::data_converters::{
        GenericPayloadConverter, PayloadConverter, SerializationContextData, WorkflowSerializationContext,
    };

    #[test]
    fn no_result_is_what_it_was_and_ballast_has_its_size() {
        let converter = PayloadConverter::default();
        let data = SerializationContextData::Workflow(WorkflowSerializationContext::new());
        let context = SerializationContext::new(&data, &converter);
        let nothing = converter.to_payload(&context, &Output::default()).unwrap();
        assert_eq!(nothing, converter.to_payload(&context, &()).unwrap());
        let heavy = converter.to_payload(&context, &Output::of_size(1_000)).unwrap();
        assert_eq!(heavy.data.len(), 1_002);
        for (payload, size) in [(nothing, 0), (heavy, 1_000)] {
            let read: Output = converter.from_payload(&context, payload).unwrap();
            assert_eq!(read.size(), size);
        }
        assert_eq!(Output::of_size(u32::MAX).size(), MAX_RESULT);
    }
}
