//! What the tests through the wire share.
