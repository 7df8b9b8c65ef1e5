"""Records visits with checks one after another over HTTP, as a township's staff does, and says how long each answer took:
session, form, the transaction with what follows for the household, and its findings as JSON.

usage: writes.py PROGRAM FOLDER [VISITS]
"""

import http.cookiejar
import json
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid

program, folder = sys.argv[1:3]
visits = int(sys.argv[3]) if len(sys.argv) > 3 else 100
address, login, password = "127.0.0.1:8391", f"bench.{uuid.uuid4().hex[:8]}", uuid.uuid4().hex


def uuid7():
    """An id as phones make them: milliseconds first, the rest by chance."""
    rest = uuid.uuid4().int & ((1 << 80) - 1)
    return uuid.UUID(int=(int(time.time() * 1000) << 80) | (rest & ~(0xF << 76) & ~(0x3 << 62)) | (0x7 << 76) | (0x2 << 62))


checks = {
    "channel": "on_site", "mode": "checks", "house.grade": "D", "house.residence": "own",
    "food.staple": "yes", "food.protein": "yes", "clothing.seasonal": "yes", "clothing.change": "yes",
    "clothing.bedding": "yes", "water.litres": "12", "water.quality": "lab_good", "water.access": "piped",
    "water.outage_days": "0", "visited_on": time.strftime("%Y-%m-%d"),
}

db = sqlite3.connect(f"file:{folder}/taizhang.db?mode=ro", uri=True)
township = db.execute("SELECT substr(division_code, 1, 9) FROM household LIMIT 1").fetchone()[0]
homes = [uuid.UUID(bytes=row[0]) for row in db.execute(
    "SELECT id FROM household WHERE division_code >= ? AND division_code < ? LIMIT ?", (township, township + ":", visits))]
db.close()

subprocess.run([program, "--data", folder, "user", "add", login, "--name", "bench", "--role", "township_staff",
                "--division", township, "--password-stdin"], input=password + "\n", text=True, check=True,
               stdout=subprocess.DEVNULL)
server = subprocess.Popen([program, "--data", folder, "serve", "--listen", address], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
try:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(path, fields=None):
        data = urllib.parse.urlencode(fields).encode() if fields else None
        kind = {"accept": "application/json"} if path.endswith("/visits") else {}
        with browser.open(urllib.request.Request(f"http://{address}{path}", data, kind)) as reply:
            return reply.read().decode()

    def token(page):
        return re.search(r'name="csrf" value="([^"]+)"', page).group(1)

    for _ in range(100):
        try:
            page = ask("/login")
            break
        except OSError:
            time.sleep(0.1)
    ask("/login", {"csrf": token(page), "login": login, "password": password})
    # Whoever was added by another has to choose a password first.
    csrf = token(ask("/settings/account"))
    new = uuid.uuid4().hex
    ask("/settings/account", {"csrf": csrf, "present": password, "new": new, "again": new})
    csrf = token(ask("/settings/account"))
    took, opened = [], 0
    for home in homes:
        fields = checks | {"csrf": csrf, "id": str(uuid7())}
        begun = time.perf_counter()
        answer = ask(f"/households/{home}/visits", fields)
        took.append((time.perf_counter() - begun) * 1000)
        opened += len(json.loads(answer)["opened"])
    took.sort()
    print(f"{len(took)} visits one by one: median {statistics.median(took):.1f} ms, "
          f"19 of 20 within {took[len(took) * 19 // 20 - 1]:.1f} ms, slowest {took[-1]:.1f} ms, {opened} findings shown")
finally:
    server.terminate()
    server.wait()
