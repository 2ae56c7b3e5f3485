//! Route information (RFC 3261 §16.4).

use super::SipServer;
use super::spaces::Space;
use super::state::Answer;
use crate::sip::{HeaderName, Message, NameAddr, Uri};

/// Where a request still has to go, after our own Routes were taken off.
#[derive(Debug)]
pub(super) struct Path {
    /// The Request-URI, corrected.
    pub(super) uri: String,
    /// Route values left, as written.
    pub(super) routes: Vec<String>,
    /// Whether either of these differs from the request.
    pub(super) changed: bool,
    /// The space that our last Route leads to.
    pub(super) space: Option<Space>,
}

impl Path {
    /// The URI of the next hop: the first Route, or the Request-URI (§16.6 step 7).
    pub(super) fn next_uri(&self) -> Option<Uri<'_>> {
        match self.routes.first() {
            Some(route) => NameAddr::parse_str(route).map(|route| route.uri()),
            None => Uri::parse(&self.uri),
        }
    }
}

impl SipServer {
    pub(super) fn preprocess(&self, from: Space, request: &Message<'_>) -> Result<Path, Answer> {
        let uri = request.request_uri().ok_or(Answer::new(400))?;
        let mut routes: Vec<String> =
            request.values(HeaderName::Route).map(|value| value.text().to_owned()).collect();
        let mut path = Path { uri: uri.as_str().to_owned(), routes: Vec::new(), changed: false, space: None };
        // A strict router before us put our Record-Route into the Request-URI, and what was there at the end.
        if uri.user().is_none() && uri.param("lr").is_some() {
            if let (Some(space), Some(last)) = (self.spaces.own_route(from, &uri), routes.last()) {
                let last = NameAddr::parse_str(last).ok_or(Answer::new(400))?;
                path.uri = last.uri().as_str().to_owned();
                path.space = Some(space);
                path.changed = true;
                routes.pop();
            }
        }
        let mut rest = routes.into_iter().peekable();
        while let Some(route) = rest.peek().map(|route| NameAddr::parse_str(route)) {
            let route = route.ok_or(Answer::new(400))?;
            let Some(space) = self.spaces.own_route(from, &route.uri()) else { break };
            path.space = Some(space);
            path.changed = true;
            rest.next();
        }
        path.routes = rest.collect();
        Ok(path)
    }
}
