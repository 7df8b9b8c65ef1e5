dedupe-duplicates = 疑似重复的对数
dedupe-persons = 重复登记的人
dedupe-size = 其中登记 { $rows } 次的
dedupe-dropped = 因数量过多而舍去的对
dedupe-alike = 除编号外完全相同、直接归为一人的行
dedupe-skipped-sentence = 有 { $pairs } 对未逐对比较，因为共有同一个值的行太多（见上表）；其中除编号外完全相同的 { $alike } 行已归为一人，其余若有重复，不在上面的估计之内。
dedupe-rule-pairs = 由它首先找到的对
dedupe-rule-matches = 它能找到的重复
dedupe-rule-alone = 仅它能找到的重复
dedupe-rule-skipped = 其中未比较的对
help-dedupe-about = 查找重复登记的人：在一个 CSV 文件里，或在本安装的登记人口里
help-dedupe-more =
    文件为 UTF-8 编码，首行是列名：rid（编号）、name（姓名）、sex（性别）、id_no（证件号码）、birth（出生日期）、
    phone（联系电话）、village（村代码）、address（地址）。全表放在内存里，每百万人约 200 至 280 MB。
    得分是全部证据的权重，单位为比特：0 为一半对一半，10 约为一千比一。同户而姓名不同、证件号码都有效且不同的，
    不会算作一人。cluster 一列是同一人各行中最小的编号；这一列为空，说明其他行不支持把这两行归为一人。

    示例：
      taizhang dedupe --in register.csv --out duplicates.csv --clusters clusters.csv
      taizhang dedupe --in register.csv --out duplicates.csv --train --model county.toml
      taizhang dedupe --in register.csv --out duplicates.csv --explain --min-weight -5

      taizhang dedupe --register

    用文件时不需要安装，也不写数据库。--register 查本安装自己的登记人口：结果存入数据库，在“登记重复”页核对，
    已判定的保留，不改动登记。
help-dedupe-arg-input = 登记表
help-dedupe-arg-out = 写到哪个文件：rid_a、rid_b、score、cluster；用 --schema 时为 id、cluster
help-dedupe-arg-schema = 各列按这个文件的说明比较，不按人员的列（见 docs/schemas.md）
help-dedupe-arg-clusters = 写到哪个文件：cluster、rid，即每个重复登记的人的各行
help-dedupe-arg-model = 用哪个模型判断；与 --train 同用时，学到的模型存到这个文件 [默认：自带的模型]
help-dedupe-arg-train = 从这张表学出模型，再用它判断
help-dedupe-arg-explain = 多写一列：支持和反对的证据，各多少比特
help-dedupe-arg-min_weight = 低于多少比特的不写，也不归为一人 [默认：2；用 --schema 时为 0]
help-dedupe-arg-threads = 线程数，不影响结果 [默认：每个核一个]
