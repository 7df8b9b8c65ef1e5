model-level = Level
model-same = One person
model-kin = Household
model-stranger = Strangers
model-bits-stranger = Against strangers (bits)
model-bits-kin = Against household (bits)
model-training = Training
model-matches-per-row = Matches expected for a row of the list
model-kin-per-row = Others of the household met for a row
model-untrained = Not trained
model-patterns = Combinations seen
model-drawn = Pairs of strangers drawn
model-certain = Matches that plain rules promised
model-likelihood = Log-likelihood (first → last round)
model-unseen = Levels never seen in training; their shares are the prior's:
model-labels = Judged pairs
model-labels-same = Of these, one person
model-surprise = Surprise of the verdicts (bits a pair, before → after)
model-band = Score (bits)
model-promised = Expected right
model-real = Really right
model-histogram = Scores (bars are logarithmic)
model-cut = Cut
model-bits = Bits
model-precision = Expected precision
model-missed = Expected missed
model-real-precision = Real precision
model-real-recall = Real recall
model-real-f1 = Real F1
model-judged-precision = Precision by verdicts
model-interval = 95% interval
model-covered = Covered by verdicts
model-promised-share = Expected one person
model-judged-share = Judged one person
model-judged-weighed = { $all } judged pairs, { $weighed } of them candidates
model-ece = Mean gap between expected and real (ECE): { $error }
model-sentence = Cut { $cut } bits: { $pairs } pairs above it; expect { $wrong } wrong in every 1000, and { $missed } still missed.
model-cut-even = Even odds
model-cut-best = Best expected F1
model-cut-p99 = 99% expected precision
model-cut-p999 = 99.9% expected precision
model-cut-real = Best real F1
model-field-id = ID number
model-field-name = Name
model-field-birth = Birth date
model-field-sex = Sex
model-field-phone = Phone
model-field-place = Place
model-level-id-exact = Same
model-level-id-old_15 = 15 digits fit the 18
model-level-id-typo = One slip, by the check digit
model-level-id-dropped = One digit left out
model-level-id-two_typos = Two slips, by the check digit
model-level-id-masked_10 = Masked, 10 or more visible agree
model-level-id-masked_8 = Masked, 7–9 visible agree
model-level-id-masked_few = Masked, 4–6 visible agree
model-level-id-near_valid = One digit off, both valid
model-level-id-birth_sequence = Only birth and sequence agree
model-level-id-area_birth = Only area and birth agree
model-level-id-differ = Different
model-level-name-exact = Same
model-level-name-homophone = Same sound
model-level-name-look_alike = One character looks alike
model-level-name-fuzzy_sound = Similar sound (dialect)
model-level-name-reordered = Other order
model-level-name-part = Part of a name with “·”
model-level-name-dropped = One character left out
model-level-name-surname_off = Surname one character off
model-level-name-first_off = Middle character off
model-level-name-last_off = Last character off
model-level-name-only_off = Only given character off
model-level-name-surname = Only the surname
model-level-name-differ = Different
model-level-birth-exact = Same
model-level-birth-digit = One digit off
model-level-birth-swapped = Month and day swapped
model-level-birth-lunar = Like lunar for solar
model-level-birth-year_only = Same year, one says 1 January
model-level-birth-near_days = Within ten days
model-level-birth-anniversary = Same day, other year
model-level-birth-year = Only the year
model-level-birth-near_year = Year one off
model-level-birth-differ = Different
model-level-sex-same = Same
model-level-sex-differ = Different
model-level-phone-same = Same
model-level-phone-digit = One digit off
model-level-phone-differ = Different
model-level-place-house = Same village, group and house
model-level-place-group = Same village and group
model-level-place-village = Same village
model-level-place-other_house = Same village, other group or house
model-level-place-township = Same township
model-level-place-county = Same county
model-level-place-differ = Other county
error-cli-answers_column = { $path } has no column { $column }. Judged pairs need qid, rid and same; the truth needs qid and rid.
error-cli-answers_verdict = { $path }, line { $line }: same is “{ $value }”; it must be yes or no (1 and 0 also do).
error-cli-answers_unknown = None of the { $pairs } judged pairs in { $path } is a candidate. Check that qid and rid are the numbers of the two files.
help-model-about = Train a model of the comparison, look at it, hold it against answers, or choose which one weighs
help-model-more =
    A model says how common each level of agreement is among records of one person, of one household and of strangers. It
    is text that can be read and edited. train, show and evaluate need no installation; list and use are about the models of
    one.
help-model-train-about = Learn a model from a list and a register
help-model-train-more =
    Needs no answers. Judged pairs (--labels) correct the model and calibrate its scores; that people are mostly shown
    doubtful pairs does no harm. For a list of less than 100,000 rows the model that comes along, corrected by judged
    pairs (--from), is mostly better than one trained anew.

    Examples:
      taizhang model train --left list.csv --right register.csv --out county.toml
      taizhang model train --left list.csv --right register.csv --out county.toml --labels labels.csv
help-model-train-arg-left = The list
help-model-train-arg-right = The register
help-model-train-arg-out = File to write the model to
help-model-train-arg-labels = Judged pairs: qid, rid, same (yes or no)
help-model-train-arg-from = Start from this model and change only what the judged pairs say; needs --labels
help-model-train-arg-threads = Threads; the result does not depend on it [default: one for each core]
help-model-show-about = Show a model: how common each level is, and what it weighs
help-model-show-arg-model = The model [default: the one that comes along]
help-model-evaluate-about = Hold a model against answers: scores, expected precision and misses by cut, and the real ones
help-model-evaluate-more =
    Examples:
      taizhang model evaluate --left list.csv --right register.csv
      taizhang model evaluate --left list.csv --right register.csv --model county.toml --truth truth.csv
      taizhang model evaluate --left list.csv --right register.csv --labels labels.csv
help-model-evaluate-arg-left = The list
help-model-evaluate-arg-right = The register
help-model-evaluate-arg-model = The model [default: the one that comes along]
help-model-evaluate-arg-truth = The answers: qid, rid (empty: not registered)
help-model-evaluate-arg-labels = Judged pairs: qid, rid, same (yes or no)
help-model-evaluate-arg-many = Let rows and persons have several matches each
help-model-evaluate-arg-threads = Threads; the result does not depend on it [default: one for each core]
