link-what = What
link-count = Count
link-list = Rows of the list
link-registry = Registered persons
link-pairs = Pairs compared
link-matches = Matches
link-dropped = Candidates dropped, too many for one row
link-recall = Recall of the search rules (estimate)
link-rounds = Rounds of training
link-converged = Training converged
link-not-converged = Training did not converge
link-rule = Search rule
link-rule-alone = Found by it alone
link-rule-matches = Matches among them
link-rule-matches-alone = Matches by it alone
link-rule-crowded = Rows skipped, value shared by too many
link-rule-id-birth-sequence = Same birth date and sequence in the ID
link-rule-id-ends-surname = Same ends of the ID, surname sounds alike
link-rule-phone = Same phone
link-rule-surname-birth = Surname sounds alike, same birth date
link-rule-township-birth = Same township and birth date
link-rule-sound-township = Name sounds alike, same township
link-rule-sound-year = Name sounds alike, same birth year
link-rule-sound-day = Name sounds alike, same birthday
link-rule-name-county = Same name and county
link-rule-house = Same village, group and house
link-rule-given-birth = Given name sounds alike, same birth date
error-cli-link_file = Cannot read or write { $path }: { $why }
error-cli-link_column = { $path } has no column { $column }. Its first row must name the columns (UTF-8), at least the row's number (qid or rid) and the name.
error-cli-link_row = { $path } has a row of more than 64 MB: most likely a quotation mark is not closed.
error-cli-link_model = The model file { $path } is wrong: { $why }
help-link-about = Link two CSV files: who on the list is who in the register
help-link-more =
    Both files are UTF-8 with a header: rid or qid, name, sex, id_no, birth, phone, village (division code), address.
    The list is held in memory, the register is read once. The score is the weight of all evidence in bits: 0 is even
    odds, 10 is a thousand to one.

    Examples:
      taizhang link --left list.csv --right register.csv --out matches.csv --one-to-one
      taizhang link --left list.csv --right register.csv --out matches.csv --train --model county.toml
      taizhang link --left list.csv --right register.csv --out matches.csv --model county.toml --explain
      taizhang link --left a.csv --right b.csv --out matches.csv --schema schema.toml --one-to-one

    Needs no installation and writes to no database.
help-link-arg-left = The list
help-link-arg-right = The register
help-link-arg-out = File to write: qid, rid, score
help-link-arg-schema = What columns there are and how they are compared, for files that are not lists and registers of persons (docs/schemas.md)
help-link-arg-one_to_one = Give each row one person at most, and each person one row: the best assignment as a whole
help-link-arg-model = The model to judge by; with --train, the file to save what was learned in [default: the one that comes along]
help-link-arg-train = Learn a model from these two files and judge by it
help-link-arg-explain = Write a fourth column: what speaks for and against each pair, in bits
help-link-arg-min_weight = Leave out pairs below so many bits
help-link-arg-threads = Threads; the result does not depend on it [default: one for each core]
schema-left = Rows on the left
schema-right = Rows on the right
schema-repeated = Rows whose key occurs more than once
schema-clusters = Clusters
schema-dropped-blocks = Blocks left out, shared by too many rows
schema-dropped-pairs = Pairs in them
error-cli-schema_column = { $path } has no column { $column }, which the schema names. It has: { $found }
error-cli-schema_too_large = { $path } is too large: 268 million rows and 4 GB of values are the limit.
error-cli-schema_toml = Line { $line } of the schema { $path } cannot be read: { $value }
error-cli-schema_missing = Something is missing in the schema { $path }, line { $line }: { $key }. Wanted: { $want }
error-cli-schema_unknown_key = Line { $line } of the schema { $path } has a key that does not exist: { $value }. Known are: { $want }
error-cli-schema_type = In line { $line } of the schema { $path } { $key } = { $value } is of the wrong type. Wanted: { $want }
error-cli-schema_unknown_column = Line { $line } of the schema { $path }, { $key }: { $value } names no column of the schema. It has: { $want }
error-cli-schema_twice = Line { $line } of the schema { $path }: { $value } is there twice. { $key } must differ from: { $want }
error-cli-schema_unknown_word = Line { $line } of the schema { $path }, { $key }: { $value } is not known. Known are: { $want }
error-cli-schema_range = Line { $line } of the schema { $path }, { $key }: { $value } is out of range. Allowed: { $want }
error-cli-schema_too_many = Line { $line } of the schema { $path }: the number of { $key } is not allowed. Allowed: { $want }
