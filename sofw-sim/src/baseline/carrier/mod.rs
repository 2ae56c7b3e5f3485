//! How a stream is made to look on the wire.

pub(super) mod http;
pub(super) mod tls;

use super::Carrier;

/// One batch as it is written.
pub(super) fn wrap(carrier: Carrier, batch: Vec<u8>) -> Vec<u8> {
    match carrier {
        Carrier::Http => http::chunk(&batch),
        Carrier::Tls => tls::data(&batch),
        Carrier::Raw => batch,
    }
}
