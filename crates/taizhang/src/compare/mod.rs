//! Agencies' lists against the register (数据比对).
