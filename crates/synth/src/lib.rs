//! A synthetic province with ground truth.
