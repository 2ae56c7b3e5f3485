//! SIP messages: bytes ↔ views, no behaviour (RFC 3261 §7, §25).
