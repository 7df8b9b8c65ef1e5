//! Problems owned, remedied, checked on site and closed (台账).
