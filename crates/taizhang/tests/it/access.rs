//! Sign-in, sessions, forms, users, masked fields and the audit chain, as a browser and an intruder see them.
