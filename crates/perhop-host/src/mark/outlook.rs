//! What a rule may make of a socket whose other end is not known yet.
