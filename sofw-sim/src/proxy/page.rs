//! Answers of the proxy's own.

/// An answer with a short HTML page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page {
    pub status: u16,
    /// More fields, each with its line end.
    pub fields: String,
}

impl Page {
    pub fn new(status: u16) -> Page {
        Page { status, fields: String::new() }
    }

    /// The whole answer.
    pub fn write(&self, via: Option<&str>, closes: bool, is_head: bool) -> Vec<u8> {
        let (status, reason) = (self.status, reason(self.status));
        let page = format!(
            "<html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1><p>The proxy could not serve this request.\
             </p></body></html>\n"
        );
        let via = via.map(|via| format!("Via: 1.1 {via}\r\n")).unwrap_or_default();
        let close = if closes { "Connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n{}{via}{close}\r\n",
            page.len(),
            self.fields
        );
        let mut out = head.into_bytes();
        if !is_head {
            out.extend_from_slice(page.as_bytes());
        }
        out
    }
}

/// The reason phrase of a status (RFC 9110 §15).
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}
