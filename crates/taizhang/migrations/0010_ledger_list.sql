-- A repeated request is known by what it asked for, not by its id alone: hash of actor, step and words.
ALTER TABLE item_event ADD COLUMN payload TEXT NOT NULL DEFAULT '';

-- The evidence of the finding as far as this item has followed it, so that a change can be told in words. JSON array.
ALTER TABLE item ADD COLUMN finding_evidence TEXT NOT NULL DEFAULT '[]';
UPDATE item SET finding_evidence = COALESCE(
    (SELECT f.evidence FROM finding f
     WHERE f.id = item.finding_id AND f.version = item.finding_version AND f.state = 'open'), '[]');

-- Whom an item may be assigned to is asked by the divisions that hold it.
CREATE INDEX app_user_division ON app_user (division_code, name);
CREATE INDEX app_user_name ON app_user (name);

-- The list in each of its orders, the filters answered from the index; and the counts of its tabs.
DROP INDEX item_division_state;
DROP INDEX item_deadline;
DROP INDEX item_rule;
CREATE INDEX item_place ON item (division_code, deadline, number, state, assignee_id, rule_id, id);
CREATE INDEX item_due ON item (deadline, number, division_code, state, rule_id, assignee_id, id);
CREATE INDEX item_changed ON item (updated_at, number, division_code, state, deadline, id);
CREATE INDEX item_order ON item (number, division_code, state, deadline, id);
CREATE INDEX item_count ON item (state, division_code, deadline, assignee_id);
CREATE INDEX item_rule ON item (rule_id, state, division_code, deadline);
CREATE INDEX item_owner ON item (owner_name);
CREATE INDEX item_unit ON item (owner_unit);

-- Other signals of the same subject tell what has taken the place of one.
CREATE INDEX signal_about ON signal (subject_id, state);
