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
error-cli-link_file = 无法读写文件 { $path }：{ $why }
error-cli-link_column = 文件 { $path } 缺少“{ $column }”列。首行须为列名（UTF-8 编码），至少包含编号（qid 或 rid）与姓名（name）。
error-cli-link_row = 文件 { $path } 中有一行超过 64 MB，多半是缺少右引号。
error-cli-link_model = 模型文件 { $path } 有误：{ $why }
help-link-about = 把两个 CSV 文件里的人对上：名单上的谁是登记表里的谁
help-link-more =
    两个文件都是 UTF-8 编码，首行是列名：rid 或 qid（编号）、name（姓名）、sex（性别）、id_no（证件号码）、
    birth（出生日期）、phone（联系电话）、village（村代码）、address（地址）。名单放在内存里，登记表只读一遍。
    得分是全部证据的权重，单位为比特：0 为一半对一半，10 约为一千比一。

    示例：
      taizhang link --left list.csv --right register.csv --out matches.csv --one-to-one
      taizhang link --left list.csv --right register.csv --out matches.csv --train --model county.toml
      taizhang link --left list.csv --right register.csv --out matches.csv --model county.toml --explain
      taizhang link --left a.csv --right b.csv --out matches.csv --schema schema.toml --one-to-one

    不需要安装，也不写数据库。
help-link-arg-left = 名单
help-link-arg-right = 登记表
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
