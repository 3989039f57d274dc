//! Messages on gRPC, each measured before it is decoded.

use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstEncoder;

use crate::scan::Measured;

/// Encodes `T` and decodes `U`, refusing what would take more memory than its bytes suggest.
pub struct FleetCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for FleetCodec<T, U> {
    fn default() -> Self {
        FleetCodec(PhantomData)
    }
}

impl<T, U> Codec for FleetCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Measured + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = FleetDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        FleetDecoder(PhantomData)
    }
}

/// Decodes what was found to be within bounds.
pub struct FleetDecoder<U>(PhantomData<U>);

impl<U> Decoder for FleetDecoder<U>
where
    U: Message + Measured + Default,
{
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // All in one piece, which takes no copy of what tonic hands over.
        let whole = buf.copy_to_bytes(buf.remaining());
        read(whole)
            .map(Some)
            .map_err(|reason| Status::invalid_argument(format!("malformed message: {reason}")))
    }
}

/// Decodes a message that anybody may have written: what would take far more memory than its bytes suggest is refused.
///
/// # Errors
/// When it would, or is no such message.
pub fn read<M: Message + Measured + Default>(bytes: Bytes) -> Result<M, String> {
    M::measure(&bytes)?;
    M::decode(bytes).map_err(|error| error.to_string())
}
