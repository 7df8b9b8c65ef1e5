//! The time of day and the calendar day of China (UTC+8), in one place so that tests and rehearsals can fix them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};

/// Seconds of China Standard Time east of UTC.
const CHINA_OFFSET: i32 = 8 * 3600;

/// Where "now" and "today" come from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    today: Option<NaiveDate>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { today: None }
    }

    /// The machine's time of day on a fixed calendar day: rehearsals and tests.
    pub fn fixed(today: NaiveDate) -> Self {
        Self { today: Some(today) }
    }

    /// Milliseconds since 1970-01-01T00:00Z, by the machine's clock whatever day is fixed.
    pub fn now_ms(&self) -> i64 {
        Utc::now().timestamp_millis()
    }

    /// The calendar day in China.
    pub fn today(&self) -> NaiveDate {
        self.today.unwrap_or_else(|| local(self.now_ms()).date_naive())
    }
}

/// The local date and time of `ms`, milliseconds since 1970 in UTC.
pub fn local(ms: i64) -> DateTime<FixedOffset> {
    let utc = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    match FixedOffset::east_opt(CHINA_OFFSET) {
        Some(offset) => utc.with_timezone(&offset),
        None => utc.fixed_offset(),
    }
}

/// Milliseconds since 1970 in UTC of a local date and time in China.
pub fn ms_of_local(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp_millis() - i64::from(CHINA_OFFSET) * 1000
}
