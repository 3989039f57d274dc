//! One call that is passed on, and messages in the frames of gRPC.

use bytes::{BufMut, Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE, request::Parts};
use prost::Message;
use tonic::Code;

/// Length of what precedes a message: one byte for compression, and four for its length.
const PREFIX: usize = 5;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    head: Response<()>,
    /// Its message, with the prefix.
    pub body: Bytes,
    trailers: Option<HeaderMap>,
}

/// Reads a body to its end.
pub async fn read(body: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Sends a request with the head of another and waits for the whole answer.
pub async fn forward(upstream: &SendRequest<Bytes>, head: &Parts, body: Bytes) -> Result<Answer, h2::Error> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.version_mut() = head.version;
    *request.headers_mut() = head.headers.clone();
    let (response, mut stream) = upstream.clone().ready().await?.send_request(request, false)?;
    stream.send_data(body, true)?;
    let (head, mut body) = response.await?.into_parts();
    Ok(Answer {
        body: read(&mut body).await?,
        trailers: body.trailers().await?,
        head: Response::from_parts(head, ()),
    })
}

/// The answer of headers alone that gRPC has for errors.
pub fn status(code: Code) -> Answer {
    let mut head = Response::new(());
    let headers = head.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(i32::from(code)));
    headers.insert("grpc-message", HeaderValue::from_static("the fault proxy says so"));
    Answer {
        head,
        body: Bytes::new(),
        trailers: None,
    }
}

/// Sends an answer.
pub fn answer(respond: &mut SendResponse<Bytes>, answer: Answer) -> Result<(), h2::Error> {
    let Answer { head, body, trailers } = answer;
    let mut stream = respond.send_response(head, body.is_empty() && trailers.is_none())?;
    if !body.is_empty() {
        stream.send_data(body, trailers.is_none())?;
    }
    match trailers {
        Some(trailers) => stream.send_trailers(trailers),
        None => Ok(()),
    }
}

/// Puts a message into its frame.
pub fn framed(message: &impl Message) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.encoded_len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.encoded_len()).expect("a small message"));
    message.encode(&mut framed).expect("there is room");
    framed.freeze()
}

/// Takes a message out of its frame.
pub fn message<M: Message + Default>(framed: &[u8]) -> Option<M> {
    let (prefix, message) = framed.split_at_checked(PREFIX)?;
    // What is compressed would be misread: our clients compress nothing.
    (prefix[0] == 0).then(|| M::decode(message).ok()).flatten()
}
