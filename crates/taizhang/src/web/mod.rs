//! Router, layout and shared parts of the pages.
