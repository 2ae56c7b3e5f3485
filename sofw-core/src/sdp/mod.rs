//! SDP: line-oriented editing (RFC 8866, paper P8).
