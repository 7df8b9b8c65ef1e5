link-what = 项目
link-count = 数量
link-list = 名单行数
link-registry = 登记人数
link-pairs = 比较对数
link-matches = 匹配数
link-dropped = 候选过多而舍去
link-recall = 查找规则的估计召回率
link-rounds = 训练轮数
link-converged = 训练已收敛
link-not-converged = 训练未收敛
link-rule = 查找规则
link-rule-alone = 仅此规则找到
link-rule-matches = 其中匹配
link-rule-matches-alone = 仅此规则找到的匹配
link-rule-crowded = 因值过于集中而略过的行
link-rule-id-birth-sequence = 证件中生日与顺序码相同
link-rule-id-ends-surname = 证件首尾四位与姓氏读音相同
link-rule-phone = 电话相同
link-rule-surname-birth = 姓氏读音与出生日期相同
link-rule-township-birth = 乡镇与出生日期相同
link-rule-sound-township = 姓名读音与乡镇相同
link-rule-sound-year = 姓名读音与出生年份相同
link-rule-sound-day = 姓名读音与出生月日相同
link-rule-name-county = 姓名与县相同
link-rule-house = 村、组、户号相同
link-rule-given-birth = 名字读音与出生日期相同
link-unsought = 未查找的行：每个查找值都与太多行相同
link-unsought-sentence = 名单中有 { $rows } 行未查找：每个查找值都与名单中 48 行以上相同。其中漏掉多少无法估计，请检查名单是否有大量重复行或默认值。
link-threads-cut = --threads { $wanted } 过多：本机至多用 { $most } 个线程，结果相同。
error-cli-link_read = 无法读取文件 { $path }：{ $reason ->
    [missing] 没有这个文件，请检查路径和文件名。
    [denied] 没有读取权限。
    [folder] 这是文件夹，应为文件。
    [no_folder] 路径中有一段不是文件夹。
   *[other] { $why }
    }
error-cli-link_write = 无法写入文件 { $path }：{ $reason ->
    [missing] 所在的文件夹不存在，请先新建。
    [denied] 没有写入权限。
    [full] 磁盘已满；同名的旧文件保持原样。
    [folder] 这是文件夹，应为文件。
    [no_folder] 路径中有一段不是文件夹。
   *[other] { $why }
    }
error-cli-link_same = { $option } 与 { $other } 是同一个文件 { $path }。要写的文件不能是要读的文件，也不能与另一个要写的文件相同，请换一个文件名。
error-cli-link_key = 文件 { $path } 缺少编号列（qid 或 rid）。首行须为列名，至少包含编号（qid、rid、id、编号或序号）与姓名（name 或姓名）。
error-cli-link_column = 文件 { $path } 缺少“{ $column }”列。首行须为列名，至少包含编号（qid 或 rid）与姓名（name 或姓名）。
error-cli-link_row = 文件 { $path } 中{ $line ->
    [0] 有一行
   *[other] 第 { $line } 行开始的一行
    }超过 64 MB，多半是缺少右引号。
error-cli-link_quote = 文件 { $path } 中{ $line ->
    [0] 有一个
   *[other] 第 { $line } 行有一个
    }双引号没有配对，其后的行都被当成了同一格的内容。请补上右引号；格内的双引号应写两遍（""）。
error-cli-link_encoding = 文件 { $path } { $line ->
    [0] 中有的行
   *[other] 第 { $line } 行
    }不是 UTF-8 编码{ $looks ->
    [gb18030] ，看来是 GB18030（GBK）。请另存为“CSV UTF-8”，或转换：iconv -f GB18030 -t UTF-8 原文件 > 新文件
    [utf16] ，看来是 UTF-16（“Unicode 文本”）。请另存为“CSV UTF-8”。
   *[other] 。请另存为“CSV UTF-8”。
    }
error-cli-link_cr = 文件 { $path } 的行只以回车（CR）结束，是旧式 Mac 文本。请另存为以换行（LF 或 CRLF）结束的 CSV。
error-cli-link_text = 文件 { $path } 不是文本，可能是工作簿（XLSX、XLS）。请另存为“CSV UTF-8”。
error-cli-model_toml = 模型文件 { $path } 第 { $line } 行无法读取：{ $value }
    应为 TOML，例如 matches_per_row = 0.5
error-cli-model_kind = { $key ->
    [comparison] { $path } 是按方案（--schema）训练的模型，不能用来比对登记表里的人。请与训练它的方案一起用，或换成 taizhang model train 训练的模型。
   *[other] { $path } 是比对登记表里的人的模型，不能与 --schema 一起用。请用同一方案训练的模型。
    }
error-cli-model_unknown_key = 模型文件 { $path } 中的“{ $key }”{ $line ->
    [0] {""}
   *[other] （第 { $line } 行）
    }不是模型的项，可用：{ $want }
error-cli-model_missing = 模型文件 { $path } 缺少“{ $key }”。可用 taizhang model train 重新训练。
error-cli-model_type = 模型文件 { $path } 第 { $line } 行的“{ $value }”类型不对：数量与比例应为数字，例如 matches_per_row = 0.5。
error-cli-model_range = 模型文件 { $path } 中 { $key } = { $value } 超出范围，应为：{ $want }
error-cli-model_misfit = 模型文件 { $path } 与方案不符：{ $level ->
    [0] 缺少 { $comparison }。
   *[other] { $comparison } 缺少“{ $level }”，或其比例不在 0 到 1 之间。
    }请用同一方案训练的模型。
error-cli-packed_file = 无法读写文件 { $path }：{ $reason ->
    [missing] 没有这个文件或文件夹，请检查路径和文件名。
    [denied] 没有权限。
    [full] 磁盘已满；旧文件保持原样。
    [folder] 这是文件夹，应为文件。
    [no_folder] 路径中有一段不是文件夹。
   *[other] { $why }
    }
warning-title = 请注意
warning-count = 数量
warning-line = 首见于第几行
warning-file = 文件
warning-unkeyed = 没有编号的行（读取人员时略过）
warning-short = 比首行的列少的行（缺的按空白）
warning-long = 比首行的列多的行（多的不读）
warning-column = 列名“{ $column }”出现多次，只读第一列
warning-repeated = 编号与前面的行相同的行
warning-repeated-candidates = 候选中编号与另一行相同的登记行
warning-both = 同时出现在 --register 中的编号：未删去，按新的行更新
warning-truth-list = 答案中的 qid 不在名单里
warning-truth-register = 答案中的 rid 不在登记表里，按漏掉计
help-link-about = 把名单上的人与登记表对上：名单上的谁是登记表里的谁
help-link-more =
    两个文件都是 UTF-8 编码，首行是列名：rid 或 qid（编号）、name（姓名）、sex（性别）、id_no（证件号码）、
    birth（出生日期）、phone（联系电话）、village（村代码）、address（地址）。名单放在内存里，登记表只读一遍。
    得分是全部证据的权重，单位为比特：0 为一半对一半，10 约为一千比一。

    示例：
      taizhang link --left list.csv --right register.csv --out matches.csv --one-to-one
      taizhang link --left list.csv --right register.csv --out matches.csv --train --model county.toml
      taizhang link --left list.csv --right register.csv --out matches.csv --model county.toml --explain
      taizhang link --left a.csv --right b.csv --out matches.csv --schema schema.toml --one-to-one
      taizhang link --left list.csv --register register.tzr --out matches.csv --one-to-one

    登记表若要反复比对，先用 taizhang pack 打包一次，以后用 --register，结果相同而快得多。

    不需要安装，也不写数据库。
help-link-arg-left = 名单
help-link-arg-right = 登记表
help-link-arg-register = 登记表，已用 taizhang pack 打包
help-link-arg-out = 写到哪个文件：qid、rid、score
help-link-arg-schema = 文件不是名单和登记表时，用方案文件说明有哪些列、怎样比较（见 docs/schemas.md）
help-link-arg-one_to_one = 一行至多对一人，一人至多对一行，取整体最好的分配
help-link-arg-model = 用哪个模型判断；与 --train 同用时，学到的模型存到这个文件 [默认：自带的模型]
help-link-arg-train = 从这两个文件学出模型，再用它判断
help-link-arg-explain = 多写一列：支持和反对的证据，各多少比特
help-link-arg-min_weight = 低于多少比特的不写
help-link-arg-threads = 线程数，不影响结果 [默认：每个核一个]
schema-left = 左表行数
schema-right = 右表行数
schema-repeated = 编号重复的行
schema-clusters = 聚成的组数
schema-dropped-blocks = 因行数过多而略过的块
schema-dropped-pairs = 其中的对数
error-cli-schema_column = 文件 { $path } 没有方案中写的“{ $column }”列。现有的列：{ $found }
error-cli-schema_too_large = 文件 { $path } 过大：最多 2.68 亿行、4 GB 内容。
error-cli-schema_toml = 方案文件 { $path } 第 { $line } 行无法读取：{ $value }
error-cli-schema_missing = 方案文件 { $path } 第 { $line } 行缺少 { $key }，应写：{ $want }
error-cli-schema_unknown_key = 方案文件 { $path } 第 { $line } 行的 { $value } 不是可用的项，可用：{ $want }
error-cli-schema_type = 方案文件 { $path } 第 { $line } 行 { $key } = { $value } 类型不对，应为：{ $want }
error-cli-schema_unknown_column = 方案文件 { $path } 第 { $line } 行 { $key } 中的 { $value } 不是方案里的列，方案里有：{ $want }
error-cli-schema_twice = 方案文件 { $path } 第 { $line } 行的 { $value } 重复了，{ $key } 不得与这些相同：{ $want }
error-cli-schema_unknown_word = 方案文件 { $path } 第 { $line } 行 { $key } 中的 { $value } 无法识别，可用：{ $want }
error-cli-schema_range = 方案文件 { $path } 第 { $line } 行 { $key } 中的 { $value } 超出范围，允许：{ $want }
error-cli-schema_too_many = 方案文件 { $path } 第 { $line } 行 { $key } 的个数不允许，允许：{ $want }
link-usage = 请用 --right 给出登记表的 CSV 文件，或用 --register 给出打包好的登记表。
pack-usage = 请用 --register 给出登记表、用 --out 给出要写的文件；或用 --update 更新已打包的登记表。
pack-changed = 改动的行
pack-added = 新增的行
pack-removed = 删去的行
pack-unknown = 要删而没有的编号
pack-bytes = 文件字节数
pack-whole = 累计改动较多，已整体重写
pack-waits = { $path } 正由另一个程序改写，等它写完再继续。
find-rid = 编号
find-score = 得分（比特）
find-evidence = 证据
find-nobody = 没有找到。
find-more = 共比较了 { $all } 人，以上是最像的 { $shown } 人；还有 { $more } 人未列出，可用 --most 多列一些，或再多输入一些。
error-cli-find_nothing = 请至少给出姓名、证件号码、出生日期、电话或地区加住址，例如 --name 王小明 --village 990101。
error-cli-find_little = 给出的内容太少，无法查找。只有地区、性别或住址不够，请再加上姓名、出生日期、电话或证件号码。
error-cli-find_initials = “{ $value }”不是完整的拼音，只能当作姓名的拼音首字母，须同时用 --village 写明县以下地区（至少 6 位代码）。
error-cli-find_sex = --sex 不能是“{ $value }”，应为“男”或“女”。
error-cli-find_id_no = --id-no 不能是“{ $value }”，应为完整的证件号码，或其前 6 位以上数字。
error-cli-find_birth = --birth 不能是“{ $value }”，应为存在的日期，例如 1965-03-12。
error-cli-find_phone = --phone 不能是“{ $value }”，应为完整的电话号码，例如 12000000001。
error-cli-find_village = --village 不能是“{ $value }”，应为 6 位以上的区划代码（例如 990101）或村名。
find-crowded = 因同值的人太多而未查：{ $rules }。请再多输入一些。
find-comma = 、
find-by-sound = 姓名读音
find-by-initials = 姓名拼音首字母
find-by-id-prefix = 证件号码前几位
error-cli-packed_foreign = { $path } 不是打包好的登记表。请用 taizhang pack 生成。
error-cli-packed_newer = { $path } 是更新版本的程序打包的，本程序读不了。请升级程序，或用本程序重新打包。
error-cli-packed_outdated = { $path } 打包时的读音表或查找规则与本程序不同。请用本程序重新打包。
error-cli-packed_cut = { $path } 不完整：应有 { $wanted } 字节，只有 { $length } 字节。请重新复制或重新打包。
error-cli-packed_damaged = { $path } 已损坏（第 { $at } 字节附近）。请重新复制或重新打包。
error-cli-packed_stray = { $path } 是另一个登记表的改动，与这个登记表对不上。若不再需要，请删去它，或重新打包登记表。
error-cli-packed_lost = 缺少 { $path }。这个登记表更新过，改动都在那个文件里：请把它放回登记表旁边，或重新打包登记表。
error-cli-packed_behind = { $path } 不是这个登记表最后一次更新的改动。请放回最后一次的，或重新打包登记表。
help-pack-about = 把登记表打包成一个文件，供 link 和 find 反复使用
help-pack-more =
    CSV 的列与 taizhang link 相同。打包后的文件映射到内存，用多少读多少；内容有校验，损坏、截断都会被发现。

    示例：
      taizhang pack --register register.csv --out register.tzr
      taizhang pack --update register.tzr --register changed.csv --removed removed.csv

    更新时，编号已有的行被替换，没有的行新增，removed.csv 里编号的行删去；改动存为同名加 .changes 的文件，
    须与登记表放在一起、一同复制：更新过的登记表缺了它就打不开。改动累计超过四分之一时整体重写。两个更新同时来，
    后一个等前一个写完；中途断掉的更新，登记表要么是更新前的，要么是更新后的。文件里有个人信息，只有本人可读，请像登记表一样保管。

    不需要安装，也不写数据库。
help-pack-arg-register = 登记表；与 --update 同用时，是新增或改动的行
help-pack-arg-out = 写到哪个文件
help-pack-arg-update = 更新这个已打包的登记表，不重新打包
help-pack-arg-removed = 要删去的行，按编号（qid 或 rid）
help-pack-arg-threads = 线程数，不影响结果 [默认：每个核一个]
help-find-about = 在打包好的登记表里找一个人
help-find-more =
    知道多少写多少。姓名可以写汉字或拼音（wangxiaoming），写明县以下地区时也可以只写拼音首字母（wxm）；
    证件号码写前 6 位以上即可，地区写前 6 位以上即可。给出最像的几个人的编号、得分与证据。

    示例：
      taizhang find --register register.tzr --name 王小明 --village 990101101201
      taizhang find --register register.tzr --name wxm --village 990101
      taizhang find --register register.tzr --id-no 9901011965

    不需要安装，也不写数据库。
help-find-arg-register = 已打包的登记表
help-find-arg-name = 姓名、其拼音，或（写明地区时）拼音首字母
help-find-arg-sex = 性别
help-find-arg-id_no = 证件号码，或其前 6 位以上
help-find-arg-birth = 出生日期
help-find-arg-phone = 联系电话
help-find-arg-village = 村的区划代码，或其前 6 位以上
help-find-arg-address = 地址
help-find-arg-most = 最多给出几个人
help-find-arg-model = 用哪个模型判断 [默认：自带的模型]
