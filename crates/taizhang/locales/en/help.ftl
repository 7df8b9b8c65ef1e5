usage-title = Usage
usage-commands = Commands
usage-command = COMMAND
usage-arguments = Arguments
usage-options = Options
usage-global = Global options
usage-any-options = OPTIONS
usage-help = Show this help
usage-version = Show the version
usage-default = {" "}[default: { $value }]
usage-env = {" "}[environment: { $name }]
usage-see-help = More with --help after the command.
usage-suggestion = {" "}Did you mean { $better }?
usage-no-value = { $arg } needs a value.
usage-invalid-value = { $arg } cannot be “{ $value }”; it can be: { $valid }.
usage-value = { $arg } cannot be “{ $value }”: { $form }
usage-form-day = a day such as 2020-02-20 is needed.
usage-form-address = address:port is needed, such as 127.0.0.1:8080.
usage-form-names = one of these is needed: { $names }.
usage-form-number = a whole number is needed, such as 30.
usage-form-decimal = a number is needed, such as 2 or -1.5.
usage-form-positive = a whole number from 1 on is needed, such as 10.
usage-unknown-argument = There is no argument { $arg }.
usage-unknown-command = There is no command “{ $arg }”.
usage-missing-command = A command is missing.
usage-missing-argument = Required and missing: { $arg }.
usage-conflict = { $arg } cannot go together with { $prior }, or is given twice.
usage-values = { $arg } has the wrong number of values.
usage-utf8 = The command line has text that is not UTF-8.
usage-other = The command line is wrong.
error-cli-usage = { $why }
error-cli-no_file = { $path } does not exist. Check the path and the name of the file.
error-cli-no_regular_file = { $path } is a device or a pipe, not a file. Give a file.
error-cli-file = { $path } cannot be read or written: { $why }
error-cli-persons = The number of persons is between 1 and 20,000,000; { $persons } is not.
error-cli-second = The second export ({ $second }) must be at least 28 days after the first ({ $first }).
error-cli-too_many = { $households } households are more than a worksheet has rows: write CSV only, with --bulk.
help-about = 台账 Taizhang: finds every registered household that a shock has touched, says how, and keeps each of its problems on the books until someone has checked on site that it is solved.
help-more =
    Begin here:
      taizhang demo                       a county of 60,000 persons, end to end, then its pages in the browser
      taizhang init                       an empty installation in ./taizhang-data, with its administrator
      taizhang serve                      its pages on http://127.0.0.1:8080

    Everything of an installation lies in one folder (--data). The database is SQLite in that folder, or PostgreSQL with
    --database postgres://user@host/database. Each command says more with --help.

    Exit codes: 0 done, 1 a fault of ours, 2 wrong input, 4 not found, 5 not allowed, 6 conflict, 7 busy, try again.
help-arg-data = The folder that holds everything of this installation [default: taizhang-data; for demo taizhang-demo]
help-arg-database = postgres://user@host/database instead of SQLite in the data folder
help-arg-lang = Language of messages: zh-CN or en [default: from LANG, else zh-CN]
help-arg-json = Print JSON for machines instead of tables for people
help-demo-about = Make a made-up county, import, compare, assess, then serve its pages: begin here
help-demo-long = Everything is invented: the province has the area prefix 99, which is assigned to nobody.
help-demo-more =
    Examples:
      taizhang demo                                   in ./taizhang-demo, then http://127.0.0.1:8080
      taizhang demo --no-serve --persons 5000         smaller, and stop before serving
      taizhang demo --database postgres://me@db/demo  with an empty PostgreSQL database
      taizhang serve --data taizhang-demo/data        the pages again later
help-demo-arg-persons = Registered persons
help-demo-arg-seed = The same seed makes the same files
help-demo-arg-no_serve = Stop before serving
help-demo-arg-fresh = Throw an earlier demo in the folder away and make a new one
help-demo-arg-password = Password of the demo logins [default: made at random and printed]
help-demo-arg-listen = Address and port of the pages
help-synth-about = Write a made-up province, with its truth, as the files that real systems export
help-synth-more =
    Examples:
      taizhang synth --out province --persons 60000           XLSX and CSV as offices send them
      taizhang synth --out province --persons 5000000 --bulk  CSV only, streamed

    Everything is invented: the province has the area prefix 99, which is assigned to nobody.
help-synth-arg-out = Folder to write to; made where it is missing
help-synth-arg-persons = Registered persons, 1 to 20,000,000
help-synth-arg-seed = The same seed makes the same files
help-synth-arg-as_of = The day that the register speaks of [default: today]
help-synth-arg-second = Write a second, later export of the register too
help-synth-arg-bulk = CSV only
help-init-about = Make the data folder, its key, its database and the first administrator
help-init-long = Run again it changes nothing but brings the database schema up to date.
help-init-more =
    Examples:
      taizhang init                                   in ./taizhang-data, with SQLite
      taizhang init --data /srv/taizhang              elsewhere
      taizhang init --database postgres://tz@db/tz    with PostgreSQL; the key stays in the data folder

    The password of the administrator is made, printed once, and must be changed at the first sign-in.
    Keep a copy of <data>/field.key in a safe place: without it the encrypted fields cannot be read again.
help-init-arg-admin = Login of the first administrator
help-init-arg-no_admin = Make no administrator
help-import-about = Bring registry files in: divisions, households, persons, income, monitoring, helpers, work teams
help-import-long =
    What a file holds is found from its headers. Several files are brought in in the order that they need.
    A row with an error is held back and listed, a row with a doubt goes in and is listed, and the rest goes in: all of
    a file or nothing of it.
help-import-more =
    Examples:
      taizhang import 行政区划.csv 户信息.xlsx 家庭成员.csv
      taizhang import 家庭成员.csv --preview                   the mapping found, and nothing written
      taizhang import *.xlsx --issues 疑点.xlsx                a workbook with a sheet per rule, personal numbers masked
      taizhang import *.xlsx --issues 疑点.xlsx --unmasked --reason 乡镇逐条核实
      taizhang import 户信息.xlsx --as-of 2020-02-20 --purpose 月度更新

    The same file again changes nothing. A newer file makes new versions and keeps the old ones.
help-import-arg-files = CSV (UTF-8, UTF-16, GBK), XLS or XLSX files
help-import-arg-kind = What the files hold, where the headers do not say
help-import-arg-as_of = The day that the files speak of [default: from the file or its name, else today]
help-import-arg-purpose = What it is brought in for; kept in the audit log
help-import-arg-preview = Show what would be read and write nothing
help-import-arg-issues = Write the hits of the quality rules to this new workbook; with several files one each, numbered
help-import-arg-unmasked = Show ID numbers and phones in that workbook in full; needs --reason, and is kept in the audit log
help-import-arg-reason = Why the numbers are needed in full
help-user-about = Add, list, change, disable and unlock the people who sign in
help-user-add-about = Add a user
help-user-add-more =
    Without --password-stdin a first password is made and printed once; either way the user must change it at the first
    sign-in.

    Roles: admin (users, settings), auditor (audit log), analyst (province), health_clerk (health lists),
           county_staff, township_staff, village_officer, helper.

    Examples:
      taizhang user add wang --name 王芳 --role admin
      taizhang user add liqiang --name 李强 --unit 云阳县乡村振兴局 --role county_staff --division 990102
      echo "$PASSWORD" | taizhang user add zhang --name 张伟 --role auditor --password-stdin
help-user-add-arg-login = Login: 3 to 32 of a-z 0-9 . _ -
help-user-add-arg-name = Name of the person
help-user-add-arg-unit = Working unit
help-user-add-arg-role = Role
help-user-add-arg-division = Division code whose part of the country they may see; everything without it
help-user-add-arg-password_stdin = Read the password from standard input (asks twice on a terminal)
help-user-add-arg-user_lang = Language of their pages
help-user-edit-about = Change a user's name, unit, role or division
help-user-edit-more =
    What is not named stays as it is. The change is kept in the audit log and holds at once.

    Examples:
      taizhang user edit liqiang --role township_staff --division 990102003
      taizhang user edit wang --name 王芳芳 --unit 省乡村振兴局
      taizhang user edit wang --division ""          they may see everything
help-user-edit-arg-login = Login
help-user-edit-arg-name = Name of the person
help-user-edit-arg-unit = Working unit
help-user-edit-arg-role = Role
help-user-edit-arg-division = Division code whose part of the country they may see; "" for everything
help-user-list-about = List users
help-user-list-arg-text = Only those with this in login, name or unit
help-user-disable-about = Bar a user; their sessions end at once
help-user-disable-arg-login = Login
help-user-enable-about = Let a disabled user in again
help-user-enable-arg-login = Login
help-user-reset-about = Give a user a new password, to be changed at the next sign-in; their sessions end
help-user-reset-arg-login = Login
help-user-reset-arg-password_stdin = Read the password from standard input (asks twice on a terminal)
help-user-unlock-about = Unlock an account after failed sign-ins
help-user-unlock-arg-login = Login
help-compare-about = Hold an agency's list against the register
help-compare-more =
    The kind of list is found from its headers: health.cases (疫情报告卡), health.contacts (密切接触者),
    medical.self_pay (医疗自付), education.dropouts (失学辍学), housing.dangerous (危房), jobs.ended (失业),
    disability.cards (残疾证), insurance.medical (参保), water.supply (饮水安全),
    sales.lost (滞销), dividend.missed (分红).
    Where ID number and name agree the row is matched; everything else that is close waits for a person on the
    Comparison page. Matched rows become signals. A revised card (same 卡片编号) revises its signals; the same
    file twice changes nothing.

    Examples:
      taizhang compare 疫情报告卡.xlsx --as-of 2020-02-20 --purpose 涉疫返贫监测
      taizhang compare list.csv --source medical.self_pay --purpose 因病返贫监测 --json
      taizhang compare --again                        open rows once more, after the register changed
      taizhang compare --purge                        what is past its retention day goes; `serve` does it every day
help-compare-arg-file = The list: CSV, XLSX or XLS
help-compare-arg-again = Hold unmatched and doubtful rows against the register again; what is decided stays
help-compare-arg-purge = Take away what matched nobody and is past its retention day
help-compare-arg-source = Kind of list, or the code of its source [default: from the headers and the division]
help-compare-arg-as_of = The day that the list speaks of [default: from the file or its name, else today]
help-compare-arg-purpose = What the list was asked for; stands in the audit log [default: as its source says, else 防返贫监测]
help-compare-arg-retention_days = Days after which rows that matched nobody lose everything personal [default: as its source says, else 30]
help-serve-about = Serve the pages and run the queued jobs, until Ctrl-C or SIGTERM
help-serve-more =
    Examples:
      taizhang serve                                  http://127.0.0.1:8080, this machine only
      taizhang serve --listen 0.0.0.0:8080 --https    behind a proxy that speaks HTTPS and keeps Host and Origin

    Serve other machines only behind HTTPS: names and ID numbers travel on these pages.
help-serve-arg-listen = Address and port
help-serve-arg-https = Browsers reach it over HTTPS: cookies are marked Secure and browsers told to stay on HTTPS
help-assess-about = Load a policy profile, find out whom the shock has touched, and open items for them
help-assess-more =
    Computes the epidemic tier of every county, asks every rule of the profile about every household that it could say
    something about, and brings the ledger in line: new findings open items, withdrawn ones cancel theirs, those that
    come back open a new round. Running it again without new facts changes nothing.

    Examples:
      taizhang assess                                 with the profile in force, or the built-in one
      taizhang assess --profile policy/my.toml        puts another version of the profile in force first
      taizhang assess --changed                       only those that something has changed for since
      taizhang assess --json                          what was done, for machines

    A faulty profile is refused as a whole; every fault is told with its line, its key and what would be right.
help-assess-arg-changed = Only households whose signals or records have changed since the last assessment
help-assess-arg-profile = Policy profile (TOML) to put in force first
help-profile-about = Check, compare and apply policy profiles
help-profile-check-about = Check a profile and run its examples
help-profile-check-more =
    Every fault is told with its line, its key, its column where it lies in a condition, and what would be right. Every
    rule needs an example that it finds and one that it does not. The fields that a condition may name are listed in
    docs/household-view.md. No installation is needed.

    Example:
      taizhang profile check policy/2026-regular.toml
help-profile-check-arg-file = Policy profile (TOML)
help-profile-diff-about = Say what differs between two profiles
help-profile-diff-more =
    Examples:
      taizhang profile diff policy/2020-epidemic.toml policy/2026-regular.toml
      taizhang profile diff old.toml new.toml --json
help-profile-diff-arg-before = The old profile (TOML)
help-profile-diff-arg-after = The new profile (TOML)
help-profile-apply-about = Check a profile and put it in force from its day on
help-profile-apply-more =
    From today on where its day has passed. A version keeps its text: raise `version` after a change. Run
    taizhang assess afterwards.

    Example:
      taizhang profile apply policy/2026-regular.toml
help-profile-apply-arg-file = Policy profile (TOML)
help-profile-list-about = List the profiles that were applied, and which one is in force
help-profile-what-if-about = Say whom another profile would bring and take away; nothing is changed
help-profile-what-if-more =
    First an estimate with its margin from a sample drawn by a hash of the household, then the exact count, by rule and
    by county. Only the rules that differ are asked.

    Examples:
      taizhang profile what-if my-profile.toml
      taizhang profile what-if my-profile.toml --json
help-profile-what-if-arg-file = The profile to try (TOML)
help-profile-what-if-arg-estimate = Only the estimate from the sample
help-audit-about = Look after the audit log
help-audit-verify-about = Walk the whole chain and find an entry that was changed, removed or put in between
help-audit-verify-more =
    Each entry's hash covers the entry before it. Write down the head that this command prints, elsewhere, from time to
    time: with --entries and --head a log whose end was cut off together with its stored head is noticed as well.

    Examples:
      taizhang audit verify
      taizhang audit verify --entries 1208 --head 5be1…   also compares with what was written down

    Exit code 6 if the chain is broken.
help-audit-verify-arg-entries = Number of entries that there were when --head was written down
help-audit-verify-arg-head = Hash of the last entry then
help-doctor-about = Check the installation and say what to do
help-doctor-more =
    Looks at the data folder, its key, free space, the database with its version, files and schema, users, the policy
    profile, what the register holds, and jobs. It also says what is wrong with an installation that does not open: a
    missing key or that of another database, a damaged database, one of a newer version. It changes nothing.
    Exit code 0 if nothing failed (warnings do not count), 6 if something did.

    Examples:
      taizhang doctor
      taizhang doctor --json | jq '.[] | select(.level != "ok")'
help-ledger-about = Prove the books of the ledger, receive problem lists, write the daily digest
help-ledger-reconcile-about = Add the books up for a place and period, and prove them by a recount of every event
help-ledger-reconcile-more =
    Start + opened + reopened + moved in − closed − cancelled − moved out = end, in items, households and persons, also by
    ledger and source and by division right below. The books of any past day are counted again from the history, and
    agree with what the roll-up said then.

    Examples:
      taizhang ledger reconcile                                        from the beginning, everywhere
      taizhang ledger reconcile --division 990101 --from 2020-02-01 --to 2020-02-29
      taizhang ledger reconcile --as-of 2020-02-10 --json              at the end of that day, for machines

    Exit code 6 if the books do not balance.
help-ledger-reconcile-arg-division = Division code [default: everything]
help-ledger-reconcile-arg-from = First day [default: the beginning]
help-ledger-reconcile-arg-to = Last day [default: today]
help-ledger-reconcile-arg-as_of = The books as they stood at the end of this day
help-ledger-problems-about = Receive a list of problems (XLSX, XLS, CSV) and put every row on the books
help-ledger-problems-more =
    Every row opens one item, or one for each household that it names; the list of the same name again revises only the
    rows that changed. What may be the same problem is listed for decision and never joined by itself. Progress and
    completion as the list says are noted and close nothing.

    Examples:
      taizhang ledger problems feedback.xlsx --look                    look only, write nothing
      taizhang ledger problems survey.csv --source survey --division 990101
help-ledger-problems-arg-file = The list
help-ledger-problems-arg-source = Where it comes from: inspection, effectiveness, survey, audit, petition, comparison, dispatch, self_check, other [default: as the list says]
help-ledger-problems-arg-title = Name of the list [default: the file's]
help-ledger-problems-arg-issuer = Who handed it down
help-ledger-problems-arg-issued_on = When [default: the reporting day in the file, else today]
help-ledger-problems-arg-division = Division code for rows that name no place
help-ledger-problems-arg-look = Only say what would be taken
help-monitor-about = Look after the monitoring cases: the board, and departments' warnings
help-monitor-list-about = List cases, what is overdue first
help-monitor-list-more =
    Examples:
      taizhang monitor list --late                            what is overdue
      taizhang monitor list --state published --json          whose notice is up, for machines
      taizhang monitor list --phase in --division 990101      monitored in a county
help-monitor-list-arg-state = State: clue, published, monitored …
help-monitor-list-arg-phase = Phase: identify, in (monitored), eliminated, ended
help-monitor-list-arg-late = Only what is overdue
help-monitor-list-arg-division = Division code [default: everything]
help-monitor-list-arg-limit = The most cases
help-monitor-warn-about = Draw departments' warnings; the households that they hold for become clues
help-monitor-warn-more =
    By the thresholds and days of the policy profile; each period is drawn once, and the same fact raises one clue.

    Examples:
      taizhang monitor warn                                   those whose day has come
      taizhang monitor warn inpatient_other --now             one of them, whatever its day
help-monitor-warn-arg-warning = Id of a warning of the policy profile [default: all]
help-monitor-warn-arg-now = Whatever its day, and whether it was drawn for the period before
help-tasks-about = Look after the tasks that are handed down and reported up, campaigns, and what was put off
help-tasks-list-about = List tasks with how many units below have reported
help-tasks-list-arg-state = open, closed or all
help-tasks-list-arg-limit = The most tasks
help-tasks-owed-about = List who owes a report, what is longest due first
help-tasks-owed-arg-late = Only what is late
help-tasks-owed-arg-division = Division code [default: everything]
help-tasks-owed-arg-limit = The most units
help-tasks-campaigns-about = List campaigns against their plans
help-tasks-postponed-about = List what was put off, what needs an answer first
help-tasks-postponed-arg-passed = Only what is past its new day
help-relief-about = Prove the books of temporary relief, see who was not reached
help-relief-balance-about = Add the books of temporary relief up, and prove them against requests and payments
help-relief-balance-more =
    asked = approved + refused + withdrawn + to be decided, and approved = paid + unpaid, in yuan and by the division
    right below. Counted from events alone; requests and payments must say the same, else the command fails.

    Examples:
      taizhang relief balance                                          from the first request, everywhere
      taizhang relief balance --division 990101 --from 2020-02-01 --to 2020-02-29
help-relief-balance-arg-division = Division code [default: everything]
help-relief-balance-arg-from = First day [default: the first request]
help-relief-balance-arg-to = Last day [default: today]
help-relief-contacts-about = Show how households were reached, by division and channel
help-relief-contacts-more =
    Examples:
      taizhang relief contacts --days 14
      taizhang relief contacts --division 990101 --json
help-relief-contacts-arg-division = Division code [default: everything]
help-relief-contacts-arg-days = Within so many days
