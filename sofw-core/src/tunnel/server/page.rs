//! Answers to strangers: those of an ordinary web server that has no pages. What was asked for, and why it is not
//! given, makes no difference in them.

use bytes::BytesMut;

/// An answer without content of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    /// 404, also to a HEAD.
    NotFound { head_only: bool },
    /// 405.
    NotAllowed,
    /// Another status that refuses the bytes themselves.
    Refused(u16),
}

impl Page {
    /// Appends the response.
    pub fn write(self, keep_alive: bool, out: &mut BytesMut) {
        let (status, reason) = match self {
            Page::NotFound { .. } => (404, "Not Found"),
            Page::NotAllowed => (405, "Method Not Allowed"),
            Page::Refused(431) => (431, "Request Header Fields Too Large"),
            Page::Refused(501) => (501, "Not Implemented"),
            Page::Refused(505) => (505, "HTTP Version Not Supported"),
            Page::Refused(_) => (400, "Bad Request"),
        };
        let body = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body><h1>{status} {reason}</h1></body>\r\n</html>\r\n"
        );
        // RFC 9110 §15.5.6: a 405 says what is allowed.
        let allow = if self == Page::NotAllowed { "Allow: GET, HEAD, POST\r\n" } else { "" };
        let close = if keep_alive { "" } else { "Connection: close\r\n" };
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n{allow}{close}\r\n",
            body.len()
        );
        out.extend_from_slice(head.as_bytes());
        if self != (Page::NotFound { head_only: true }) {
            out.extend_from_slice(body.as_bytes());
        }
    }
}
