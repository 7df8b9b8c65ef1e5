//! Taizhang.
