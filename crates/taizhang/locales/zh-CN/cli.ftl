cli-init-done = 已就绪：{ $folder }（{ $database }）。
    下一步：taizhang user add <账号> --name <姓名> --role admin，然后 taizhang serve。
    请另行备份 { $folder }/field.key。
cli-user-added = 已新增用户 { $login }。
cli-user-added-password = 已新增用户 { $login }，初始密码：{ $password }（只显示这一次）
cli-user-reset = 已重置 { $login } 的密码。
cli-user-reset-password = 已重置 { $login } 的密码：{ $password }（只显示这一次）
cli-user-disabled = 已停用 { $login }，其登录立即失效。
cli-user-enabled = 已启用 { $login }。
cli-user-unlocked = 已解锁 { $login }。
cli-password = 密码：
cli-password-again = 再输一次：
cli-serving = 服务地址：{ $url }（按 Ctrl-C 停止）
cli-serve-no-admin = 还没有系统管理员。请执行：taizhang user add <账号> --name <姓名> --role admin
error-cli-no_installation = { $path } 中没有安装。请先执行 taizhang init，或用 --data 指定数据目录。
error-cli-system = 系统拒绝了操作：{ $why }
error-cli-listen = 无法监听 { $address }：{ $why }。请用 --listen 换一个地址或端口。
error-cli-unwell = 有检查项未通过，见上。
error-cli-chain_broken = 审计日志链已被破坏，见上。
