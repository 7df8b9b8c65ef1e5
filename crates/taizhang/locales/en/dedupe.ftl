dedupe-duplicates = Suspected duplicates, pairs
dedupe-persons = Persons registered more than once
dedupe-size = Of these { $rows } times
dedupe-dropped = Pairs dropped, too many
dedupe-alike = Rows alike in all but their number, put together as they are
dedupe-skipped-sentence = { $pairs } pairs were not compared one by one, because too many rows share a value (see above). Of these, { $alike } rows that are alike in all but their number were put together; duplicates among the others are not in the estimate above.
dedupe-rule-pairs = Pairs it found first
dedupe-rule-matches = Duplicates it finds
dedupe-rule-alone = Duplicates only it finds
dedupe-rule-skipped = Pairs not compared there
help-dedupe-about = Find persons who are registered more than once: in a CSV file, or in the installation's own register
help-dedupe-more =
    The file is UTF-8 with a header: rid, name, sex, id_no, birth, phone, village (division code), address. It is held in
    memory as a whole, 200 to 280 MB for a million persons. The score is the weight of all evidence in bits: 0 is even
    odds, 10 is a thousand to one. Two of one household with different names and valid numbers of their own are never
    one person. The cluster is the lowest rid of all rows of the person; it is empty where other rows speak against
    putting the two together.

    Examples:
      taizhang dedupe --in register.csv --out duplicates.csv --clusters clusters.csv
      taizhang dedupe --in register.csv --out duplicates.csv --train --model county.toml
      taizhang dedupe --in register.csv --out duplicates.csv --explain --min-weight -5
      taizhang dedupe --register

    Of a file it needs no installation and writes to no database. --register looks at the installation's own register: the
    pairs are kept in the database and wait on the page of duplicates; what is decided stays, the register is not changed.
help-dedupe-arg-input = The register
help-dedupe-arg-out = File to write: rid_a, rid_b, score, cluster; with --schema: id, cluster
help-dedupe-arg-schema = The columns are those that this file describes, not those of persons (docs/schemas.md)
help-dedupe-arg-clusters = File to write: cluster, rid; the rows of each person who is registered more than once
help-dedupe-arg-model = The model to judge by; with --train, the file to save what was learned in [default: the one that comes along]
help-dedupe-arg-train = Learn a model from this very register and judge by it
help-dedupe-arg-explain = Write a fifth column: what speaks for and against each pair, in bits
help-dedupe-arg-min_weight = Leave out pairs below so many bits, and do not put them together [default: 2, with --schema 0]
help-dedupe-arg-threads = Threads; the result does not depend on it [default: one for each core]
