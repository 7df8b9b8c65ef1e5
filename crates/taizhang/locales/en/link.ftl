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
link-unsought = Rows not looked for: too many share each of their values
link-unsought-sentence = { $rows } rows of the list were not looked for: more than 48 rows of the list share each of their values. How many of them are missed is not known; look for repeated rows or default values in the list.
link-threads-cut = --threads { $wanted } is too many: { $most } are used on this machine, with the same result.
error-cli-link_read = Cannot read { $path }: { $reason ->
    [missing] there is no such file. Check the path and the name.
    [denied] no permission to read it.
    [folder] it is a folder; a file is needed.
    [no_folder] part of its path is no folder.
   *[other] { $why }
    }
error-cli-link_write = Cannot write { $path }: { $reason ->
    [missing] the folder does not exist. Make it first.
    [denied] no permission to write it.
    [full] the disk is full. An old file of this name is as it was.
    [folder] it is a folder; a file is needed.
    [no_folder] part of its path is no folder.
   *[other] { $why }
    }
error-cli-link_same = { $option } and { $other } are the same file, { $path }. What is written must not be what is read, nor another file that is written: give it another name.
error-cli-link_key = { $path } has no column for the row's number (qid or rid). Its first row must name the columns, at least the number (qid, rid, id, 编号 or 序号) and the name (name or 姓名).
error-cli-link_column = { $path } has no column { $column }. Its first row must name the columns, at least the row's number (qid or rid) and the name (name or 姓名).
error-cli-link_row = { $path } has a row of more than 64 MB{ $line ->
    [0] {""}
   *[other] {" "}that begins at line { $line }
    }: most likely a quotation mark is not closed.
error-cli-link_quote = { $path } has a quotation mark that is not closed{ $line ->
    [0] {""}
   *[other] {" "}at line { $line }
    }: the rows behind it are taken as part of one field. Close it; within a field a quotation mark is written twice ("").
error-cli-link_encoding = { $path } is not UTF-8{ $line ->
    [0] {""}
   *[other] {" "}at line { $line }
    }{ $looks ->
    [gb18030] ; it looks like GB18030 (GBK). Save it as “CSV UTF-8”, or convert it: iconv -f GB18030 -t UTF-8 old.csv > new.csv
    [utf16] ; it looks like UTF-16 (“Unicode text”). Save it as “CSV UTF-8”.
   *[other] . Save it as “CSV UTF-8”.
    }
error-cli-link_cr = The lines of { $path } end with CR alone, as old Mac text does. Save it as CSV whose lines end with LF or CRLF.
error-cli-link_text = { $path } is not a text file; it may be a workbook (XLSX, XLS). Save it as “CSV UTF-8”.
error-cli-model_toml = Line { $line } of the model file { $path } cannot be read: { $value }
    It must be TOML, such as matches_per_row = 0.5
error-cli-model_kind = { $key ->
    [comparison] { $path } is the model of a schema (--schema), not of persons of a register. Use it with its schema, or take a model made by taizhang model train.
   *[other] { $path } is a model of persons of a register, which --schema cannot use. Take a model trained with the same schema.
    }
error-cli-model_unknown_key = The model file { $path } has a key that no model has: { $key }{ $line ->
    [0] {""}
   *[other] {" "}(line { $line })
    }. Known are: { $want }
error-cli-model_missing = The model file { $path } lacks { $key }. taizhang model train makes a whole one.
error-cli-model_type = Line { $line } of the model file { $path } is of the wrong type: { $value }. Counts and shares are numbers, such as matches_per_row = 0.5.
error-cli-model_range = In the model file { $path } { $key } = { $value } is out of range. Allowed: { $want }
error-cli-model_misfit = The model file { $path } does not fit the schema: { $level ->
    [0] { $comparison } is missing.{" "}
   *[other] { $comparison } lacks “{ $level }”, or a share of it is not between 0 and 1.{" "}
    }Take a model trained with the same schema.
error-cli-packed_file = Cannot read or write { $path }: { $reason ->
    [missing] there is no such file or folder. Check the path and the name.
    [denied] no permission.
    [full] the disk is full. The old file is as it was.
    [folder] it is a folder; a file is needed.
    [no_folder] part of its path is no folder.
   *[other] { $why }
    }
warning-title = Mind
warning-count = Count
warning-line = First at line
warning-file = File
warning-unkeyed = Rows without a number (left out where persons are read)
warning-short = Rows with fewer columns than the first (what is missing is empty)
warning-long = Rows with more columns than the first (what is too much is not read)
warning-column = Column { $column } is there more than once: the first counts
warning-repeated = Rows whose number another row had before
warning-repeated-candidates = Registered candidates with the number of another row
warning-both = Numbers that --register has, too: not taken away but updated
warning-truth-list = Answers whose qid is not on the list
warning-truth-register = Answers whose rid is not in the register: they count as missed
help-link-about = Link a list to a register: who on the list is who in the register
help-link-more =
    Both files are UTF-8 with a header: rid or qid, name, sex, id_no, birth, phone, village (division code), address.
    The list is held in memory, the register is read once. The score is the weight of all evidence in bits: 0 is even
    odds, 10 is a thousand to one.

    Examples:
      taizhang link --left list.csv --right register.csv --out matches.csv --one-to-one
      taizhang link --left list.csv --right register.csv --out matches.csv --train --model county.toml
      taizhang link --left list.csv --right register.csv --out matches.csv --model county.toml --explain
      taizhang link --left a.csv --right b.csv --out matches.csv --schema schema.toml --one-to-one
      taizhang link --left list.csv --register register.tzr --out matches.csv --one-to-one

    A register that is used often is packed once by taizhang pack and given as --register: the same result, much sooner.

    Needs no installation and writes to no database.
help-link-arg-left = The list
help-link-arg-right = The register
help-link-arg-register = The register, packed by taizhang pack
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
link-usage = Give the register as a CSV file by --right, or packed by --register.
pack-usage = Give the register by --register and the file to write by --out; or by --update the packed register to bring up to date.
pack-changed = Rows changed
pack-added = Rows added
pack-removed = Rows taken away
pack-unknown = Numbers to take away that are not there
pack-bytes = Bytes of the file
pack-whole = So much has changed that the register was written anew
pack-waits = Somebody else is writing { $path }: waiting until that is done.
find-rid = Number
find-score = Score (bits)
find-evidence = Evidence
find-nobody = Nobody found.
find-more = { $all } persons were compared, and these { $shown } fit best. { $more } more are not shown: ask for more by --most, or type more.
error-cli-find_nothing = Give at least a name, an ID number, a date of birth, a phone, or a place with an address, such as --name 王小明 --village 990101.
error-cli-find_little = Too little to look for anybody: a place, a sex or an address alone leads nowhere. Add a name, a date of birth, a phone or an ID number.
error-cli-find_initials = “{ $value }” is no whole pinyin. As the first letters of a name it needs a place by --village, with at least a county (6 digits).
error-cli-find_sex = --sex cannot be “{ $value }”. Male (男) or female (女) is needed.
error-cli-find_id_no = --id-no cannot be “{ $value }”. A whole ID number is needed, or at least its first 6 digits.
error-cli-find_birth = --birth cannot be “{ $value }”. A day that exists is needed, such as 1965-03-12.
error-cli-find_phone = --phone cannot be “{ $value }”. A whole phone number is needed, such as 12000000001.
error-cli-find_village = --village cannot be “{ $value }”. At least 6 digits of a division code (such as 990101) or the name of a village are needed.
find-crowded = Not looked at, because too many persons share it: { $rules }. Type more.
find-comma = ,{" "}
find-by-sound = sound of the name
find-by-initials = first letters of the name
find-by-id-prefix = first digits of the ID
error-cli-packed_foreign = { $path } is not a packed register. Make one with taizhang pack.
error-cli-packed_newer = { $path } was packed by a newer program, which this one cannot read. Upgrade, or pack it again with this program.
error-cli-packed_outdated = { $path } was packed with other tables of sounds or other search rules. Pack it again with this program.
error-cli-packed_cut = { $path } is not whole: it should have { $wanted } bytes and has { $length }. Copy or pack it again.
error-cli-packed_damaged = { $path } is damaged (near byte { $at }). Copy or pack it again.
error-cli-packed_stray = { $path } holds the changes of another register, not of this one. Delete it if it is not needed any more, or pack the register again.
error-cli-packed_lost = { $path } is missing. The register was updated, and what changed stands in that file: put it back beside the register, or pack the register again.
error-cli-packed_behind = { $path } is not the last update of this register. Put the last one back beside it, or pack the register again.
help-pack-about = Pack a register into a file that link and find use again and again
help-pack-more =
    Columns as for taizhang link. The packed file is mapped into memory and read only where it is used; sums in it find
    what was damaged or cut.

    Examples:
      taizhang pack --register register.csv --out register.tzr
      taizhang pack --update register.tzr --register changed.csv --removed removed.csv

    An update replaces rows whose number is there, adds those whose number is not, and takes away those that removed.csv
    names. It is kept in a file with .changes after the register's name, which belongs beside it and goes with it wherever
    it is copied: a register that was updated and lacks it is refused. Beyond a quarter of all rows the register is written
    anew. Of two updates at once the second waits; one that is interrupted leaves the register as before or after. The file holds personal data, and only its owner may read it: keep it as you keep
    the register.

    Needs no installation and writes to no database.
help-pack-arg-register = The register, or with --update the rows of it that are new or changed
help-pack-arg-out = File to write
help-pack-arg-update = Bring this packed register up to date instead of packing anew
help-pack-arg-removed = Rows to take away, by their number (qid or rid)
help-pack-arg-threads = Threads; the result does not depend on it [default: one for each core]
help-find-about = Find one person in a packed register
help-find-more =
    Whatever is known will do. The name may be typed in characters or as pinyin (wangxiaoming), and with at least a county
    as the first letters of its pinyin (wxm); the first 6 digits of an ID number or of a division code are enough. Shows
    the numbers of those who fit best, with score and evidence.

    Examples:
      taizhang find --register register.tzr --name 王小明 --village 990101101201
      taizhang find --register register.tzr --name wxm --village 990101
      taizhang find --register register.tzr --id-no 9901011965

    Needs no installation and writes to no database.
help-find-arg-register = The packed register
help-find-arg-name = Name, its pinyin, or with a place the first letters of its pinyin
help-find-arg-sex = Sex
help-find-arg-id_no = ID number, or at least its first 6 digits
help-find-arg-birth = Date of birth
help-find-arg-phone = Phone
help-find-arg-village = Division code of the village, or at least its first 6 digits
help-find-arg-address = Address
help-find-arg-most = Persons to show at most
help-find-arg-model = The model to judge by [default: the one that comes along]
