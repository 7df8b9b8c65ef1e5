-- Organisations as records with versions (用工单位, 帮扶单位, 派出单位), one for each, whatever it is to whom: who works
-- there and whom it helps is told by the persons, helpers and work teams that name it.
ALTER TABLE organisation RENAME TO organisation_former;
CREATE TABLE organisation (
    id            UUID PRIMARY KEY,
    name          TEXT NOT NULL,              -- as a list of organisations says, else as first met
    credit_code   TEXT NOT NULL,              -- 统一社会信用代码 with a right check character; '' if unknown
    kind          TEXT NOT NULL,              -- 单位类型 as a list of organisations says
    division_code TEXT NOT NULL,              -- its seat, else the county where it was first met; '' if unknown
    address       TEXT NOT NULL,
    contact       TEXT NOT NULL,              -- 联系人
    phone_enc     BYTEA,
    phone_index   BIGINT,
    version       BIGINT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    import_id     UUID NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    as_of         TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL
);
CREATE INDEX organisation_code ON organisation (credit_code);

-- Every spelling under which an organisation is named in the files; `person.work_employer`, `helper.unit` and
-- `work_team_member.unit` hold one of them.
CREATE TABLE organisation_alias (
    name            TEXT PRIMARY KEY,
    name_folded     TEXT NOT NULL,
    pinyin          TEXT NOT NULL,
    initials        TEXT NOT NULL,
    organisation_id UUID NOT NULL
);
CREATE INDEX organisation_alias_of ON organisation_alias (organisation_id);
CREATE INDEX organisation_alias_pinyin ON organisation_alias (pinyin);
CREATE INDEX organisation_alias_initials ON organisation_alias (initials);

INSERT INTO organisation (id, name, credit_code, kind, division_code, address, contact, version, fingerprint, import_id,
                          sheet, line, as_of, recorded_at)
SELECT o.id, o.name, '', '', o.division_code, '', '', 1, 0, o.import_id, '', 0,
       COALESCE((SELECT i.as_of FROM import i WHERE i.id = o.import_id), ''), o.recorded_at
FROM organisation_former o
WHERE o.import_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM organisation_former e WHERE e.name = o.name AND e.kind < o.kind);
-- How they are spelt in letters is filled in by the next file that names them.
INSERT INTO organisation_alias (name, name_folded, pinyin, initials, organisation_id)
SELECT name, name, '', '', id FROM organisation;
DROP TABLE organisation_former;

CREATE INDEX person_employer ON person (work_employer, division_code) WHERE work_employer <> '';
CREATE INDEX helper_unit ON helper (unit, division_code) WHERE unit <> '';
CREATE INDEX work_team_member_unit ON work_team_member (unit, division_code) WHERE unit <> '';
