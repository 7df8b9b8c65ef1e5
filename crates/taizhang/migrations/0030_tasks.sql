-- A named group of tasks with a plan (专项行动, e.g. 春季攻势).
CREATE TABLE campaign (
    id            UUID PRIMARY KEY,
    name          TEXT NOT NULL,
    goal          TEXT NOT NULL,
    division_code TEXT NOT NULL,              -- of the unit that leads it
    unit          TEXT NOT NULL,
    plan_version  BIGINT NOT NULL,            -- of the plan in force; version 1 is the baseline
    created_by    UUID,
    created_name  TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX campaign_division ON campaign (division_code);

-- Every plan that a campaign has had. The first stays: slippage is measured against it.
CREATE TABLE campaign_plan (
    campaign_id   UUID NOT NULL,
    version       BIGINT NOT NULL,
    from_day      TEXT NOT NULL,
    to_day        TEXT NOT NULL,
    milestones    TEXT NOT NULL,              -- JSON array of { day, percent, title }, by day
    reason        TEXT NOT NULL,              -- why the plan was changed; '' of the first
    by_user       UUID,
    by_name       TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, version)
);

-- A task handed down from unit to unit (任务): what is asked, on what basis, and its legs.
CREATE TABLE task (
    id            UUID PRIMARY KEY,
    title         TEXT NOT NULL,
    series        TEXT NOT NULL,              -- the title without its year: the same task of another year has the same
    content       TEXT NOT NULL,
    basis         TEXT NOT NULL,              -- document, meeting or dispatch session that it comes from
    division_code TEXT NOT NULL,              -- of the unit that issued it
    unit          TEXT NOT NULL,
    poverty       TEXT NOT NULL,              -- what is asked on the poverty side (脱贫攻坚); '' where there is no such leg
    poverty_unit  TEXT NOT NULL,              -- what its figure counts: 户, 人, 万元 …
    epidemic      TEXT NOT NULL,              -- what is asked on the epidemic side (疫情防控); '' where there is no such leg
    epidemic_unit TEXT NOT NULL,
    due           TEXT NOT NULL,
    campaign_id   UUID,
    previous_id   UUID,                       -- the same task of last year
    state         TEXT NOT NULL,              -- open | closed
    created_by    UUID,
    created_name  TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX task_campaign ON task (campaign_id);
CREATE INDEX task_series ON task (division_code, series, due);

-- A task as one unit has it. Figures are in hundredths, NULL where the task has no such leg or nothing is said.
CREATE TABLE task_node (
    id                UUID PRIMARY KEY,
    task_id           UUID NOT NULL,
    parent_id         UUID,                   -- of the unit that handed it down; NULL for the one that issued it
    division_code     TEXT NOT NULL,
    target_poverty    BIGINT,
    target_epidemic   BIGINT,
    due               TEXT NOT NULL,
    note              TEXT NOT NULL,          -- what the unit above says besides
    state             TEXT NOT NULL,          -- issued | unreported | reported | returned | accepted
    reports           BIGINT NOT NULL,        -- how many reports there are
    last_report       UUID,
    reported_poverty  BIGINT,
    reported_epidemic BIGINT,
    reported_on       TEXT NOT NULL,          -- '' while there is no report
    accepted_report   UUID,                   -- the newest report whose last verdict is acceptance
    accepted_poverty  BIGINT,
    accepted_epidemic BIGINT,
    accepted_on       TEXT NOT NULL,
    reminders         BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    updated_name      TEXT NOT NULL,
    updated_at        BIGINT NOT NULL,
    UNIQUE (task_id, division_code)
);
CREATE INDEX task_node_division ON task_node (division_code, state, due);
CREATE INDEX task_node_parent ON task_node (parent_id, state);

-- What a unit reports up. Never changed: another report is another row.
CREATE TABLE task_report (
    id             UUID PRIMARY KEY,          -- made with the form: sent twice it is one report
    task_id        UUID NOT NULL,
    node_id        UUID NOT NULL,
    division_code  TEXT NOT NULL,
    number         BIGINT NOT NULL,           -- 1, 2, 3 … of the unit
    own_poverty    BIGINT,                    -- done by the unit itself
    own_epidemic   BIGINT,
    below_poverty  BIGINT,                    -- added up from what it had accepted from below then
    below_epidemic BIGINT,
    said_poverty   TEXT NOT NULL,
    said_epidemic  TEXT NOT NULL,
    reported_on    TEXT NOT NULL,
    by_user        UUID,
    by_name        TEXT NOT NULL,
    by_unit        TEXT NOT NULL,
    at             BIGINT NOT NULL,
    UNIQUE (node_id, number)
);

-- The accepted reports from below that a report added up.
CREATE TABLE task_report_part (
    report_id UUID NOT NULL,
    part_id   UUID NOT NULL,
    PRIMARY KEY (report_id, part_id)
);

-- Everything that has happened to a task, in its order.
CREATE TABLE task_event (
    id            UUID PRIMARY KEY,           -- made with the form
    task_id       UUID NOT NULL,
    node_id       UUID NOT NULL,
    division_code TEXT NOT NULL,
    seq           BIGINT NOT NULL,            -- the version of the node that it left
    at            BIGINT NOT NULL,
    day           TEXT NOT NULL,
    action        TEXT NOT NULL,              -- issue | hand_down | receive | retarget | report | accept | return | remind | close | reopen
    report_id     UUID,
    note          TEXT NOT NULL,
    data          TEXT NOT NULL,              -- JSON
    by_user       UUID,
    by_name       TEXT NOT NULL,
    by_unit       TEXT NOT NULL,
    payload       TEXT NOT NULL               -- what was sent, to tell the same request again from another one
);
CREATE INDEX task_event_node ON task_event (node_id, seq);
CREATE INDEX task_event_task ON task_event (task_id, action, day);

-- Work put off because of the epidemic (因疫延后): inspections, meetings, assessments, the census.
CREATE TABLE postponed (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- inspection | meeting | assessment | census | other
    title         TEXT NOT NULL,
    division_code TEXT NOT NULL,
    unit          TEXT NOT NULL,
    contact       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    first_on      TEXT NOT NULL,              -- the day that was planned first
    new_on        TEXT NOT NULL,              -- the day now planned; '' while none is set
    state         TEXT NOT NULL,              -- postponed | held | cancelled
    held_on       TEXT NOT NULL,
    moves         BIGINT NOT NULL,            -- how often the day was changed
    version       BIGINT NOT NULL,
    updated_name  TEXT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX postponed_division ON postponed (division_code, state, new_on);

-- Local measures and policy patches (本地措施、政策补丁).
CREATE TABLE policy_measure (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- measure | patch | package
    title         TEXT NOT NULL,
    number        TEXT NOT NULL,              -- 文号
    issuer        TEXT NOT NULL,
    division_code TEXT NOT NULL,
    issued_on     TEXT NOT NULL,
    from_day      TEXT NOT NULL,
    until_day     TEXT NOT NULL,              -- '' where it has no end
    problems      TEXT NOT NULL,              -- JSON array of what it answers
    body          TEXT NOT NULL,
    version       BIGINT NOT NULL,
    updated_name  TEXT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX policy_measure_division ON policy_measure (division_code, from_day);

-- Good practice (有效做法), spread from one place to others (以点带面).
CREATE TABLE good_practice (
    id            UUID PRIMARY KEY,
    title         TEXT NOT NULL,
    body          TEXT NOT NULL,
    effect        TEXT NOT NULL,
    problem       TEXT NOT NULL,              -- what it answers
    division_code TEXT NOT NULL,              -- where it comes from
    unit          TEXT NOT NULL,
    state         TEXT NOT NULL,              -- proposed | spread | ended
    spread_to     TEXT NOT NULL,              -- division in which it is to be taken up; '' until then
    spread_on     TEXT NOT NULL,
    version       BIGINT NOT NULL,
    updated_name  TEXT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX good_practice_division ON good_practice (division_code);

-- What a place made of a practice.
CREATE TABLE practice_adoption (
    practice_id   UUID NOT NULL,
    division_code TEXT NOT NULL,
    state         TEXT NOT NULL,              -- planned | adopted | unfit
    since         TEXT NOT NULL,
    note          TEXT NOT NULL,
    version       BIGINT NOT NULL,
    updated_name  TEXT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (practice_id, division_code)
);
CREATE INDEX practice_adoption_division ON practice_adoption (division_code);

-- What has happened to activities, measures and practices; each row keeps what was so before.
CREATE TABLE tasks_history (
    id            UUID PRIMARY KEY,           -- made with the form
    object_id     UUID NOT NULL,
    division_code TEXT NOT NULL,
    seq           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    day           TEXT NOT NULL,
    action        TEXT NOT NULL,
    note          TEXT NOT NULL,
    data          TEXT NOT NULL,              -- JSON: what was replaced
    by_user       UUID,
    by_name       TEXT NOT NULL,
    payload       TEXT NOT NULL
);
CREATE INDEX tasks_history_object ON tasks_history (object_id, seq);
