usage-title = 用法
usage-commands = 命令
usage-command = 命令
usage-arguments = 参数
usage-options = 选项
usage-global = 通用选项
usage-any-options = 选项
usage-help = 显示帮助
usage-version = 显示版本
usage-default = {" "}[默认：{ $value }]
usage-env = {" "}[环境变量：{ $name }]
usage-see-help = 详细说明：在命令后加 --help。
usage-suggestion = （是不是 { $better }？）
usage-no-value = { $arg } 后面要有值。
usage-invalid-value = { $arg } 不能是“{ $value }”，可用：{ $valid }。
usage-value = { $arg } 不能是“{ $value }”：{ $form }
usage-form-day = 应为日期，例如 2020-02-20。
usage-form-address = 应为“地址:端口”，例如 127.0.0.1:8080。
usage-form-names = 应为其中之一：{ $names }。
usage-form-number = 应为整数，例如 30。
usage-form-decimal = 应为数字，例如 2 或 -1.5。
usage-form-positive = 应为 1 以上的整数，例如 10。
usage-unknown-argument = 没有 { $arg } 这个参数。
usage-unknown-command = 没有“{ $arg }”这个命令。
usage-missing-command = 还缺一个命令。
usage-missing-argument = 还缺必填的参数：{ $arg }。
usage-conflict = { $arg } 不能与 { $prior } 同时使用，或重复写了两次。
usage-values = { $arg } 的值的个数不对。
usage-utf8 = 命令行里有不是 UTF-8 的文字。
usage-other = 命令行有误。
error-cli-usage = { $why }
error-cli-no_file = 找不到 { $path }。请检查路径和文件名。
error-cli-no_regular_file = { $path } 不是普通文件（设备或管道）。请给出文件。
error-cli-file = { $path } 不能读写：{ $why }
error-cli-persons = 人数应在 1 到 2000 万之间，不能是 { $persons }。
error-cli-second = 第二次导出（{ $second }）至少要比第一次（{ $first }）晚 28 天。
error-cli-too_many = { $households } 户超过了一张工作表的行数，请加 --bulk 只写 CSV。
help-about = 台账 Taizhang：找出每一户受冲击的在册家庭，说明受了什么影响，并把每个问题记在账上，直到有人到现场核实解决。
help-more =
    从这里开始：
      taizhang demo                       造一个 6 万人的县，走完全程，然后在浏览器里打开页面
      taizhang init                       在 ./taizhang-data 新建一个空的安装，带系统管理员
      taizhang serve                      在 http://127.0.0.1:8080 提供页面

    一个安装的全部内容都在一个目录里（--data）。数据库是该目录里的 SQLite，
    或用 --database postgres://用户@主机/库名 指定的 PostgreSQL。每个命令加 --help 有详细说明。

    退出码：0 完成，1 程序内部错误，2 输入有误，4 没有找到，5 没有权限，6 冲突，7 忙，请稍后重试。
help-arg-data = 存放这个安装全部内容的目录 [默认：taizhang-data；demo 为 taizhang-demo]
help-arg-database = 不用目录里的 SQLite，改用 postgres://用户@主机/库名
help-arg-lang = 提示语言：zh-CN 或 en [默认：取自 LANG，否则 zh-CN]
help-arg-json = 输出 JSON 供程序读取，不输出表格
help-demo-about = 造一个虚构的县，导入、比对、研判，然后打开页面：从这里开始
help-demo-long = 全部数据都是编造的：省份代码 99 没有分配给任何地方。
help-demo-more =
    示例：
      taizhang demo                                   在 ./taizhang-demo，然后打开 http://127.0.0.1:8080
      taizhang demo --no-serve --persons 5000         规模小一些，做完不打开页面
      taizhang demo --database postgres://me@db/demo  用一个空的 PostgreSQL 数据库
      taizhang serve --data taizhang-demo/data        以后再打开页面
help-demo-arg-persons = 在册人数
help-demo-arg-seed = 种子相同，造出的文件相同
help-demo-arg-no_serve = 做完就停，不打开页面
help-demo-arg-fresh = 扔掉目录里以前的演示，重新做
help-demo-arg-password = 演示账号的密码 [默认：随机生成并显示]
help-demo-arg-listen = 页面的地址和端口
help-synth-about = 按真实系统的导出格式，写出一个虚构省份的文件及其真值
help-synth-more =
    示例：
      taizhang synth --out province --persons 60000           各单位实际报送的 XLSX 和 CSV
      taizhang synth --out province --persons 5000000 --bulk  只写 CSV，边造边写

    全部数据都是编造的：省份代码 99 没有分配给任何地方。
help-synth-arg-out = 写到哪个目录，没有就新建
help-synth-arg-persons = 在册人数，1 到 2000 万
help-synth-arg-seed = 种子相同，造出的文件相同
help-synth-arg-as_of = 登记数据的日期 [默认：今天]
help-synth-arg-second = 再写一份这一天的登记导出
help-synth-arg-bulk = 只写 CSV
help-init-about = 新建数据目录、密钥、数据库和第一个系统管理员
help-init-long = 再次执行不改动已有内容，只把数据库结构升级到最新。
help-init-more =
    示例：
      taizhang init                                   在 ./taizhang-data，用 SQLite
      taizhang init --data /srv/taizhang              在别的目录
      taizhang init --database postgres://tz@db/tz    用 PostgreSQL，密钥仍在数据目录里

    管理员的初始密码由系统生成，只显示一次，首次登录时必须修改。
    请把 <数据目录>/field.key 另行妥善保管：没有它，加密的字段再也读不出来。
help-init-arg-admin = 第一个系统管理员的账号
help-init-arg-no_admin = 不建管理员
help-import-about = 导入登记数据：区划、户、人、收入、监测、帮扶、工作队
help-import-long =
    文件里是什么，看表头就知道；多个文件按所需的先后顺序导入。
    有错误的行不入库并列出，有疑点的行入库并列出，其余的行入库；一个文件要么整个导入，要么完全不导入。
help-import-more =
    示例：
      taizhang import 行政区划.csv 户信息.xlsx 家庭成员.csv
      taizhang import 家庭成员.csv --preview                   只看认出了哪些列，不写入
      taizhang import *.xlsx --issues 疑点.xlsx                每条规则一张表，个人号码打码
      taizhang import *.xlsx --issues 疑点.xlsx --unmasked --reason 乡镇逐条核实
      taizhang import 户信息.xlsx --as-of 2020-02-20 --purpose 月度更新

    同一个文件再次导入不会改变什么；更新的文件产生新版本，旧版本保留。
help-import-arg-files = CSV（UTF-8、UTF-16、GBK）、XLS 或 XLSX 文件
help-import-arg-kind = 表头看不出时，说明文件里是什么
help-import-arg-as_of = 数据的日期 [默认：取自文件或文件名，否则今天]
help-import-arg-purpose = 导入的用途，记入审计日志
help-import-arg-preview = 只显示会读到什么，不写入
help-import-arg-issues = 把质量规则的结果写到这个新工作簿；多个文件各写一本，加编号
help-import-arg-unmasked = 在工作簿里显示完整的证件号和电话；须写 --reason，并记入审计日志
help-import-arg-reason = 为什么要看完整号码
help-user-about = 新增、查看、修改、停用、解锁登录用户
help-user-add-about = 新增用户
help-user-add-more =
    不加 --password-stdin 时，初始密码由系统生成并只显示一次；无论哪种方式，本人首次登录时都必须修改。

    角色：admin（用户和设置）、auditor（审计日志）、analyst（省级）、health_clerk（卫健名单）、
          county_staff（县）、township_staff（乡镇）、village_officer（村）、helper（帮扶责任人）。

    示例：
      taizhang user add wang --name 王芳 --role admin
      taizhang user add liqiang --name 李强 --unit 云阳县乡村振兴局 --role county_staff --division 990102
      echo "$PASSWORD" | taizhang user add zhang --name 张伟 --role auditor --password-stdin
help-user-add-arg-login = 账号：3–32 个字符，a-z 0-9 . _ -
help-user-add-arg-name = 姓名
help-user-add-arg-unit = 单位
help-user-add-arg-role = 角色
help-user-add-arg-division = 能看到的区划代码；不写为全部
help-user-add-arg-password_stdin = 从标准输入读取密码（在终端上会问两次）
help-user-add-arg-user_lang = 该用户页面的语言
help-user-edit-about = 修改用户的姓名、单位、角色或区划
help-user-edit-more =
    没有写的项不改。修改记入审计日志，立即生效。

    示例：
      taizhang user edit liqiang --role township_staff --division 990102003
      taizhang user edit wang --name 王芳芳 --unit 省乡村振兴局
      taizhang user edit wang --division ""          能看到全部区划
help-user-edit-arg-login = 账号
help-user-edit-arg-name = 姓名
help-user-edit-arg-unit = 单位
help-user-edit-arg-role = 角色
help-user-edit-arg-division = 能看到的区划代码；写 "" 为全部
help-user-list-about = 列出用户
help-user-list-arg-text = 只列账号、姓名或单位里有这些字的
help-user-disable-about = 停用一个用户，其登录立即失效
help-user-disable-arg-login = 账号
help-user-enable-about = 重新启用已停用的用户
help-user-enable-arg-login = 账号
help-user-reset-about = 给用户一个新密码，其登录立即失效，本人下次登录时必须修改
help-user-reset-arg-login = 账号
help-user-reset-arg-password_stdin = 从标准输入读取密码（在终端上会问两次）
help-user-unlock-about = 解锁因连续输错密码而锁定的账号
help-user-unlock-arg-login = 账号
help-compare-about = 把其他部门的名单与登记人口比对
help-compare-more =
    名单的种类看表头就知道：health.cases（疫情报告卡）、health.contacts（密切接触者）、
    medical.self_pay（医疗自付）、education.dropouts（失学辍学）、housing.dangerous（危房）、jobs.ended（失业）、
    disability.cards（残疾证）、insurance.medical（医保参保）、water.supply（饮水安全）、
    sales.lost（农产品滞销）、dividend.missed（分红未兑现）。
    证件号和姓名都相符的自动一致；其余相近的在“比对”页面等人核实。一致的行成为信号。
    修订的报告卡（卡片编号相同）修订其信号；同一个文件再次比对不会改变什么。

    示例：
      taizhang compare 疫情报告卡.xlsx --as-of 2020-02-20 --purpose 涉疫返贫监测
      taizhang compare list.csv --source medical.self_pay --purpose 因病返贫监测 --json
      taizhang compare --again                        登记信息变动后，未定的行再比对一次
      taizhang compare --purge                        清除过了保存期限的；`serve` 每天自动做
help-compare-arg-file = 名单文件：CSV、XLSX 或 XLS
help-compare-arg-again = 未匹配和待核实的行再比对一次；已有结论的不动
help-compare-arg-purge = 清除没有匹配上、又过了保存期限的
help-compare-arg-source = 名单的种类，或数据来源的代码 [默认：看表头和区划]
help-compare-arg-as_of = 名单的日期 [默认：看文件内容或文件名，否则今天]
help-compare-arg-purpose = 索取名单的用途，记入审计日志 [默认：数据来源的用途，否则为防返贫监测]
help-compare-arg-retention_days = 没有匹配上的行，多少天后删除其个人信息 [默认：数据来源的期限，否则 30]
help-serve-about = 提供页面并执行排队的任务，直到按 Ctrl-C 或收到 SIGTERM
help-serve-more =
    示例：
      taizhang serve                                  http://127.0.0.1:8080，只有本机能访问
      taizhang serve --listen 0.0.0.0:8080 --https    放在提供 HTTPS 并保留 Host 和 Origin 的代理之后

    对其他机器提供服务必须经过 HTTPS：页面上有姓名和证件号。
help-serve-arg-listen = 地址和端口
help-serve-arg-https = 浏览器经 HTTPS 访问：Cookie 标为 Secure，并要求浏览器始终用 HTTPS
help-assess-about = 载入政策方案，找出受冲击的户，为其开出台账事项
help-assess-more =
    测算各县的疫情风险等级，用方案的每条规则逐户研判，再更新台账：新结论开出事项，撤回的结论取消其事项，
    再次出现的重新开出。没有新情况时再次执行不会改变什么。

    示例：
      taizhang assess                                 用已启用的方案，没有则用内置方案
      taizhang assess --profile policy/my.toml        先启用方案的另一个版本
      taizhang assess --changed                       只研判上次以来有变动的户
      taizhang assess --json                          做了什么，供程序读取

    有错的方案整个拒绝，并逐条说明错在哪一行、哪个键、应当怎样写。
help-assess-arg-changed = 只研判上次研判以来信号或档案有变动的户
help-assess-arg-profile = 先启用这个政策方案（TOML）
help-profile-about = 检查、比较、启用政策口径
help-profile-check-about = 检查一个政策口径，并运行其中的示例
help-profile-check-more =
    有错时逐条说明错在哪一行、哪个键，条件里的错还指出第几列，以及应当怎样写。每条规则至少要有一个命中
    和一个不命中的示例。条件里可用的字段见 docs/household-view.md。不需要安装。

    示例：
      taizhang profile check policy/2026-regular.toml
help-profile-check-arg-file = 政策口径（TOML）
help-profile-diff-about = 说明两个政策口径有何不同
help-profile-diff-more =
    示例：
      taizhang profile diff policy/2020-epidemic.toml policy/2026-regular.toml
      taizhang profile diff old.toml new.toml --json
help-profile-diff-arg-before = 旧口径（TOML）
help-profile-diff-arg-after = 新口径（TOML）
help-profile-apply-about = 检查一个政策口径，自其生效日起启用
help-profile-apply-more =
    生效日已过的，自今天起启用。同一版本号不能换内容：改动后请提高 version。启用后用 taizhang assess 重新研判。

    示例：
      taizhang profile apply policy/2026-regular.toml
help-profile-apply-arg-file = 政策口径（TOML）
help-profile-list-about = 列出启用过的政策口径，以及现行的是哪一个
help-profile-what-if-about = 试算：换一个口径会新纳入谁、不再包括谁；不改动任何数据
help-profile-what-if-more =
    先按户哈希抽样给出估计及误差，再逐户算出准数，按规则和按县列出。只计算有差别的规则。

    示例：
      taizhang profile what-if my-profile.toml
      taizhang profile what-if my-profile.toml --json
help-profile-what-if-arg-file = 要试算的政策口径（TOML）
help-profile-what-if-arg-estimate = 只要抽样估计，不逐户计算
help-audit-about = 查验审计日志
help-audit-verify-about = 校验整条日志链，找出被改动、删除或插入的条目
help-audit-verify-more =
    每一条的哈希都包含前一条。请时常把这个命令显示的条数和链尾另行抄存：
    用 --entries 和 --head 校验，连末尾被整段截掉也能发现。

    示例：
      taizhang audit verify
      taizhang audit verify --entries 1208 --head 5be1…   并与抄存的对照

    日志链被破坏时退出码为 6。
help-audit-verify-arg-entries = 抄下 --head 时的条数
help-audit-verify-arg-head = 当时末条的哈希
help-doctor-about = 检查这个安装，并说明该怎么办
help-doctor-more =
    检查数据目录、密钥、剩余空间、数据库的版本、文件和结构、用户、政策方案、登记数据量和后台任务。
    打不开的安装也能诊断：密钥丢失或不符、数据库损坏、数据库比程序新。只查看，不改动。
    没有异常时退出码为 0（“注意”不算），有异常为 6。

    示例：
      taizhang doctor
      taizhang doctor --json | jq '.[] | select(.level != "ok")'
help-ledger-about = 台账：对账，接收问题清单，每日提醒
help-ledger-reconcile-about = 结算某地某期间的账目，并从办理经过逐笔重算核对
help-ledger-reconcile-more =
    期初 + 新增 + 重开 + 迁入 − 销号 − 撤销 − 迁出 = 期末，按件、户、人分别计算，并分台账、来源和下一级区划列出。
    过去任何一天的账目都从办理经过重算，与当时的汇总一致。

    示例：
      taizhang ledger reconcile                                        建账以来，全部区划
      taizhang ledger reconcile --division 990101 --from 2020-02-01 --to 2020-02-29
      taizhang ledger reconcile --as-of 2020-02-10 --json              2020-02-10 日终的账目，供程序读取

    账目不平时退出码为 6。
help-ledger-reconcile-arg-division = 区划代码 [默认：全部]
help-ledger-reconcile-arg-from = 起始日 [默认：建账之日]
help-ledger-reconcile-arg-to = 截止日 [默认：今天]
help-ledger-reconcile-arg-as_of = 这一天日终的账目
help-ledger-problems-about = 接收一份问题清单（XLSX、XLS、CSV），逐行登记入账
help-ledger-problems-more =
    每行登记一件，涉及几户登记几件；同名清单再次接收时只更新变化的行。疑似同一问题的列出待定，不自动合并。
    清单所写的进展和完成只作记录，不销号。

    示例：
      taizhang ledger problems 成效考核反馈问题.xlsx --look            只看，不写入
      taizhang ledger problems 年初排查.csv --source survey --division 990101
help-ledger-problems-arg-file = 清单文件
help-ledger-problems-arg-source = 来源：inspection、effectiveness、survey、audit、petition、comparison、dispatch、self_check、other [默认：按清单内容]
help-ledger-problems-arg-title = 清单名称 [默认：文件名]
help-ledger-problems-arg-issuer = 下发单位
help-ledger-problems-arg-issued_on = 下发日期 [默认：文件中的填报日期，再取今天]
help-ledger-problems-arg-division = 行中未写地点时的区划代码
help-ledger-problems-arg-look = 只看能登记什么，不写入
help-monitor-about = 防返贫监测：监测户名单、部门预警
help-monitor-list-about = 列出监测户，逾期的在前
help-monitor-list-more =
    示例：
      taizhang monitor list --late                            逾期的监测户
      taizhang monitor list --state published --json          公示中的，供程序读取
      taizhang monitor list --phase in --division 990101      某县在监测的
help-monitor-list-arg-state = 状态，如 clue、published、monitored
help-monitor-list-arg-phase = 阶段：identify、in（在监测）、eliminated、ended
help-monitor-list-arg-late = 只列逾期的
help-monitor-list-arg-division = 区划代码 [默认：全部]
help-monitor-list-arg-limit = 最多列出多少户
help-monitor-warn-about = 推送部门预警，命中的农户列为线索
help-monitor-warn-more =
    按政策口径的阈值和推送日推送；同一期只推送一次，同一事实不重复列为线索。

    示例：
      taizhang monitor warn                                   推送已到推送日的预警
      taizhang monitor warn inpatient_other --now             不等推送日，立即推送一条
help-monitor-warn-arg-warning = 政策口径中预警的编号 [默认：全部]
help-monitor-warn-arg-now = 不等推送日，也不管本期是否推送过
help-tasks-about = 逐级下达、上报的任务、专项行动和延后事项
help-tasks-list-about = 列出任务和下级报送情况
help-tasks-list-arg-state = open（进行中）、closed（已办结）或 all（全部）
help-tasks-list-arg-limit = 最多列出多少项
help-tasks-owed-about = 列出谁没报，时限早的在前
help-tasks-owed-arg-late = 只列逾期的
help-tasks-owed-arg-division = 区划代码 [默认：全部]
help-tasks-owed-arg-limit = 最多列出多少个单位
help-tasks-campaigns-about = 列出专项行动，对照计划
help-tasks-postponed-about = 列出因疫延后的事项，到期未办的在前
help-tasks-postponed-arg-passed = 只列新日期已过的
help-relief-about = 临时救助对账，查看未联系的户
help-relief-balance-about = 汇总临时救助账目，并与申请、发放记录核对
help-relief-balance-more =
    申请＝批准＋不予救助＋撤回＋待审批，批准＝已发放＋未发放，单位为元，按下一级区划列出。
    账目只从办理经过计算，与申请、发放记录不一致时命令失败。

    示例：
      taizhang relief balance                                          自第一件申请起，全部地区
      taizhang relief balance --division 990101 --from 2020-02-01 --to 2020-02-29
help-relief-balance-arg-division = 区划代码［默认：全部］
help-relief-balance-arg-from = 第一天［默认：第一件申请］
help-relief-balance-arg-to = 最后一天［默认：今天］
help-relief-contacts-about = 按区划和方式查看各户联系情况
help-relief-contacts-more =
    示例：
      taizhang relief contacts --days 14
      taizhang relief contacts --division 990101 --json
help-relief-contacts-arg-division = 区划代码［默认：全部］
help-relief-contacts-arg-days = 最近多少天
