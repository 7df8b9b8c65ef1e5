-- Temporary relief (临时救助): a request for a household, who decided it, and what of it is paid. Amounts are in fen.
CREATE TABLE relief (
    id            UUID PRIMARY KEY,           -- made by whoever asks: the same form twice is one request
    number        TEXT NOT NULL UNIQUE,       -- 救助-COUNTY-YEAR-NNNN
    household_id  UUID NOT NULL,
    division_code TEXT NOT NULL,              -- of the household; goes along with it
    kind          TEXT NOT NULL,              -- urgent (急难型) | spending (支出型)
    channel       TEXT NOT NULL,              -- how it was asked for: on_site | phone | wechat | video
    green         BOOLEAN NOT NULL,           -- 先行救助: help first, papers later
    reason        TEXT NOT NULL,
    again         TEXT NOT NULL,              -- why again, where the household had asked within the year
    asked_on      TEXT NOT NULL,
    asked_fen     BIGINT NOT NULL,
    asked_by      UUID,
    asked_name    TEXT NOT NULL,
    asked_unit    TEXT NOT NULL,
    level         TEXT NOT NULL,              -- who decides: township | county
    state         TEXT NOT NULL,              -- asked | approved | paid | refused | withdrawn
    approved_fen  BIGINT NOT NULL,
    decided_on    TEXT NOT NULL,
    decided_by    UUID,
    decided_name  TEXT NOT NULL,
    decided_why   TEXT NOT NULL,
    paid_fen      BIGINT NOT NULL,            -- confirmed payments of what is approved
    advanced_fen  BIGINT NOT NULL,            -- confirmed payments before anything is approved
    decide_by     TEXT NOT NULL,              -- ISO day, '' where the calendar of that year is not known
    pay_by        TEXT NOT NULL,              -- ISO day, '' before the approval
    profile       TEXT NOT NULL,              -- policy profile and version that its deadlines come from
    fingerprint   BIGINT NOT NULL,            -- of what was asked for
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX relief_division ON relief (division_code, state, asked_on);
CREATE INDEX relief_household ON relief (household_id, asked_on);

-- Payments (发放): written down by one person, confirmed by another.
CREATE TABLE relief_payment (
    id             UUID PRIMARY KEY,
    request_id     UUID NOT NULL,
    county         TEXT NOT NULL,             -- in which a voucher number stands once
    paid_on        TEXT NOT NULL,
    amount_fen     BIGINT NOT NULL,
    voucher        TEXT NOT NULL,
    payee          TEXT NOT NULL,
    note           TEXT NOT NULL,
    ahead          BOOLEAN NOT NULL,          -- before the approval
    state          TEXT NOT NULL,             -- recorded | confirmed | void
    recorded_by    UUID,
    recorded_name  TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    confirmed_by   UUID,
    confirmed_name TEXT NOT NULL,
    confirmed_on   TEXT NOT NULL,
    void_name      TEXT NOT NULL,
    void_why       TEXT NOT NULL
);
CREATE INDEX relief_payment_request ON relief_payment (request_id);
CREATE UNIQUE INDEX relief_payment_voucher ON relief_payment (county, voucher) WHERE state <> 'void';

-- What has happened to a request. The amounts of each event are what the books are counted from.
CREATE TABLE relief_event (
    id            UUID PRIMARY KEY,           -- made by whoever acts: the same step twice is one event
    request_id    UUID NOT NULL,
    seq           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    day           TEXT NOT NULL,              -- the day on which it was written down
    division_code TEXT NOT NULL,              -- of the request; goes along with it
    action        TEXT NOT NULL,              -- ask | approve | refuse | forward | withdraw | pay | confirm | void
    actor_id      UUID,
    actor_name    TEXT NOT NULL,
    note          TEXT NOT NULL,
    data          TEXT NOT NULL,              -- JSON: amount, voucher, payee
    payload       BIGINT NOT NULL,
    asked_fen     BIGINT NOT NULL,
    approved_fen  BIGINT NOT NULL,
    refused_fen   BIGINT NOT NULL,            -- also what an approval left out
    withdrawn_fen BIGINT NOT NULL,
    paid_fen      BIGINT NOT NULL,
    advanced_fen  BIGINT NOT NULL,
    UNIQUE (request_id, seq)
);
CREATE INDEX relief_event_division ON relief_event (division_code, day);

CREATE TABLE relief_number (
    county TEXT NOT NULL,
    year   BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    PRIMARY KEY (county, year)
);

-- What registered households gave themselves (出工出力、捐款捐物).
CREATE TABLE contribution (
    id            UUID PRIMARY KEY,
    household_id  UUID NOT NULL,
    division_code TEXT NOT NULL,              -- of the household; goes along with it
    who           TEXT NOT NULL,              -- who of the household
    kind          TEXT NOT NULL,              -- work | money | goods
    given_on      TEXT NOT NULL,              -- of work the first day
    half_days     BIGINT NOT NULL,            -- of work
    amount_fen    BIGINT NOT NULL,            -- of money; of goods what they are worth, 0 where nobody says
    goods         TEXT NOT NULL,              -- what and how much
    for_whom      TEXT NOT NULL,
    note          TEXT NOT NULL,
    thanked_on    TEXT NOT NULL,              -- '' while nobody has said thanks
    thanked_how   TEXT NOT NULL,
    void_why      TEXT NOT NULL,              -- '' while it stands
    by_user       UUID,
    by_name       TEXT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL
);
CREATE INDEX contribution_division ON contribution (division_code, given_on);
CREATE INDEX contribution_household ON contribution (household_id, given_on);

-- Helpers and members of work teams who were sent to a post against the epidemic (扶贫干部战“疫”), and who stands in for
-- them with their households meanwhile.
CREATE TABLE deployment (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- helper | team_member
    name          TEXT NOT NULL,
    name_folded   TEXT NOT NULL,              -- codes::name::fold, by which the register's rows are found
    unit          TEXT NOT NULL,
    phone_index   BIGINT,                     -- tells people of one name and unit apart
    division_code TEXT NOT NULL,              -- the narrowest place that holds everybody they care for
    post          TEXT NOT NULL,
    place         TEXT NOT NULL,
    from_day      TEXT NOT NULL,
    to_day        TEXT NOT NULL,              -- last day, '' while it lasts
    stand_in      TEXT NOT NULL,              -- '' where nobody does
    stand_in_unit TEXT NOT NULL,
    note          TEXT NOT NULL,
    by_user       UUID,
    by_name       TEXT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX deployment_division ON deployment (division_code, from_day);
CREATE INDEX deployment_who ON deployment (name, unit);
CREATE INDEX deployment_stand_in ON deployment (stand_in, stand_in_unit);

-- A contact by WeChat is told apart from one by video.
ALTER TABLE household_visited ADD COLUMN last_wechat TEXT NOT NULL DEFAULT '';
