cli-init-done = Ready: { $folder } ({ $database }).
    Next: taizhang user add <login> --name <name> --role admin, then taizhang serve.
    Keep a copy of { $folder }/field.key elsewhere.
cli-user-added = Added the user { $login }.
cli-user-added-password = Added the user { $login }. First password: { $password } (shown only this once)
cli-user-reset = Reset the password of { $login }.
cli-user-reset-password = Reset the password of { $login }: { $password } (shown only this once)
cli-user-disabled = Disabled { $login } and ended its sessions.
cli-user-enabled = Enabled { $login }.
cli-user-unlocked = Unlocked { $login }.
cli-password = Password:
cli-password-again = Again:
cli-serving = Serving on { $url } (Ctrl-C stops it)
cli-serve-no-admin = There is no administrator yet. Run: taizhang user add <login> --name <name> --role admin
error-cli-no_installation = There is no installation in { $path }. Run taizhang init first, or name its folder with --data.
error-cli-system = The system refused: { $why }
error-cli-listen = Cannot listen on { $address }: { $why }. Choose another address or port with --listen.
error-cli-unwell = A check failed, see above.
error-cli-chain_broken = The audit chain is broken, see above.
