//! What a shock does to each household, by the policy profile (研判).
