//! The media plane: from a datagram to where it goes.
