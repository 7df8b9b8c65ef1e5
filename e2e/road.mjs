// Walks the road as its users do: find a household, judge a doubtful match, work an item, have another person close it.
// Once in each language at each width. Needs TAIZHANG_URL, TAIZHANG_PASSWORD, TAIZHANG_INPUT (the demo's files) and a
// Chromium (CHROMIUM or the usual name); pictures of every page go to TAIZHANG_SHOTS where that is set.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const base = process.env.TAIZHANG_URL?.replace(/\/$/, '');
const password = process.env.TAIZHANG_PASSWORD;
const shots = process.env.TAIZHANG_SHOTS;
const input = process.env.TAIZHANG_INPUT;
assert(base && password && input, 'TAIZHANG_URL, TAIZHANG_PASSWORD and TAIZHANG_INPUT are needed');
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find((path) => path && existsSync(path));
assert(browserPath, 'no Chromium found: set CHROMIUM to its path');

const WORDS = {
  'zh-CN': { closed: '已销号', missing: '没有这个页面' },
  en: { closed: 'Closed', missing: 'no such page' },
};

// The texts of the interface, to know a key that stands in place of one: its first word is one of theirs, and the whole
// is no word of the texts themselves ("follow-up").
const texts = (() => {
  const folder = fileURLToPath(new URL('../crates/taizhang/locales/en', import.meta.url));
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const pairs = lines.map((line) => line.match(/^([a-z][\w-]*) = (.*)$/)).filter(Boolean);
  return {
    beginnings: new Set(pairs.map((pair) => pair[1].split('-')[0])),
    words: new Set(pairs.flatMap((pair) => pair[2].match(/[a-z]+(-[a-z_]+)+/g) ?? [])),
  };
})();

// What the program itself writes, and not what people and files call things.
const INTERFACE = [
  '.nav-item', '.tabbar a', '.tabs a', 'h2', 'h3', 'thead th:not(.data)', 'dt', 'button', '.btn', 'label', 'legend', '.hint',
  '.panel-note', '.tile-label', '.tile-figure small', '.notice', '.pager', '.site-foot', '.empty p', '.asof', '.steps li', 'summary:not(.menu summary)',
];

// On the page of a doubtful match: the columns of the agency's list, and whose records stand side by side. On that of a
// household, the columns of the registry's file that nobody translates.
const AS_RECEIVED = ['dt', '.panel-note', '.pair thead th'];

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

/** One person at one screen: a browser context of their own. */
class Visitor {
  constructor(context, login, lang, size) {
    Object.assign(this, { context, login, lang, size, troubles: [], seen: 0 });
  }

  static async enter(browser, login, lang, size) {
    const context = await browser.newContext({
      viewport: SIZES[size], locale: lang, isMobile: size === 'phone', hasTouch: size === 'phone',
    });
    const visitor = new Visitor(context, login, lang, size);
    visitor.page = await context.newPage();
    visitor.page.on('pageerror', (error) => visitor.troubles.push(`script: ${error.message}`));
    visitor.page.on('console', (message) => {
      if (message.type() === 'error') visitor.troubles.push(`console: ${message.text()} (${message.location().url})`);
    });
    await visitor.open('/');
    assert.match(visitor.page.url(), /\/login/, 'a stranger is asked to sign in');
    await visitor.open(`/lang/${lang}?next=/login`);
    await visitor.look('login');
    await visitor.page.fill('#f-login', login);
    await visitor.page.fill('#f-password', password);
    await visitor.press('button[type=submit]');
    assert.doesNotMatch(visitor.page.url(), /\/login/, `${login} is in`);
    return visitor;
  }

  /** Opens a page, which must be there; `status` says otherwise for one that must not. */
  async open(path, status = 200) {
    const response = await this.page.goto(base + path);
    assert.equal(response.status(), status, `${path} as ${this.login} (${this.lang}, ${this.size})`);
    // The browser reports an answer that was expected to be a refusal as trouble.
    if (status >= 400) this.troubles = this.troubles.filter((trouble) => !trouble.includes(`status of ${status}`));
  }

  /** Presses a control that leads to another page. */
  async press(selector) {
    const control = typeof selector === 'string' ? this.page.locator(selector).first() : selector;
    await Promise.all([this.page.waitForEvent('load'), control.click()]);
  }

  /**
   * What holds of every page: the language, no page wider than the screen, no text left out, no script trouble.
   * `data`: elements of this page that hold what people or files say, where the program speaks on others.
   */
  async look(name, data = []) {
    const facts = await this.page.evaluate(({ selectors, data, width }) => ({
      lang: document.documentElement.lang,
      // A phone makes its window as wide as what is in it, so the window's own width would say nothing.
      wide: document.documentElement.scrollWidth - width,
      text: document.body.innerText,
      unlabelled: [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(
        (field) => !(field.labels?.length || field.getAttribute('aria-label')),
      ).map((field) => field.name),
      chinese: [...document.querySelectorAll(selectors.join(', '))]
        .filter((part) => part.checkVisibility() && !part.closest('[lang]:not(html)') && !part.closest(['datalist', ...data].join(', ')))
        .map((part) => [part.innerText, part.getAttribute('aria-label'), part.getAttribute('placeholder')].filter(Boolean).join(' '))
        .concat([...document.querySelectorAll('input[placeholder]')].map((field) => field.placeholder))
        .filter((text) => /\p{Script=Han}/u.test(text)),
    }), { selectors: INTERFACE, data, width: SIZES[this.size].width });
    this.seen += 1;
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await this.page.screenshot({ path: join(shots, `${this.lang}-${this.size}-${name}.png`), fullPage: true });
    }
    const where = `${name} (${this.lang}, ${this.size}, ${this.page.url()})`;
    assert.equal(facts.lang, this.lang, `${where} is in its language`);
    assert(facts.wide <= 0, `${where} is ${facts.wide} px wider than the screen`);
    assert.deepEqual(facts.unlabelled, [], `${where} has fields without a label`);
    // A text that is missing shows its key, and a value that is missing its braces.
    assert.equal(facts.text.match(/\{\s*\$\w+\s*\}/g), null, `${where} shows the place of a value`);
    const keys = (facts.text.match(/(?<![\w.\/-])[a-z]+(-[a-z_]+)+(?![\w.\/-])/g) ?? [])
      .filter((word) => texts.beginnings.has(word.split('-')[0]) && !(this.lang === 'en' && texts.words.has(word)));
    assert.deepEqual(keys, [], `${where} shows keys in place of texts`);
    if (this.lang === 'en') assert.deepEqual(facts.chinese, [], `${where} shows Chinese where the program speaks`);
    assert.deepEqual(this.troubles, [], where);
  }

  async text(selector) {
    return (await this.page.locator(selector).first().innerText()).trim();
  }

  async leave() {
    await this.context.close();
    return this.seen;
  }
}

async function walk(browser, lang, size, turn) {
  const words = WORDS[lang];
  let seen = 0;

  // The clerk of the health commission looks at the county, finds a household, and judges a doubtful match.
  const clerk = await Visitor.enter(browser, 'health', lang, size);
  await clerk.look('situation');
  await clerk.open('/comparisons');
  await clerk.look('comparisons');
  const comparison = clerk.page.locator('a[href$="/review"]').first();
  assert(await comparison.count(), 'there is a comparison with doubtful rows');
  const list = (await comparison.getAttribute('href')).replace('/review', '');
  await clerk.open(list);
  await clerk.look('comparison');
  const before = Number((await clerk.text('.tabs a:nth-of-type(2) .count')).replaceAll(',', ''));
  await clerk.open(`${list}/review`);
  await clerk.look('review', AS_RECEIVED);
  assert.match(await clerk.text('.fall .is-sum .fall-bits'), /^[+-]\d+\.\d$/, 'what speaks for and against adds up to bits');
  await clerk.page.fill('textarea[name=note]', '电话核实 checked by phone');
  await clerk.press(turn % 2 === 0 ? 'button[value=confirm]' : 'button[value=reject]');
  await clerk.look('review-next', AS_RECEIVED);
  await clerk.open(list);
  const after = Number((await clerk.text('.tabs a:nth-of-type(2) .count')).replaceAll(',', ''));
  assert(after <= before, 'a judged row leaves the queue');
  await clerk.open('/comparisons');
  await clerk.press('main a[href="/comparisons/quality"]');
  await clerk.look('quality');
  await clerk.open('/comparisons');
  await clerk.press('main a[href="/sources"]');
  await clerk.look('sources-own');
  seen += await clerk.leave();

  // The county gives an item to the village.
  const county = await Visitor.enter(browser, 'county', lang, size);
  await county.open('/ledger');
  await county.look('ledger');
  // Items of the village officer's own village stand under its code, which the demo hands to the script.
  await county.open(`/ledger?state=open&division=${process.env.TAIZHANG_VILLAGE ?? ''}`);
  const item = await county.page.locator('tbody th a[href^="/ledger/"]').first().getAttribute('href');
  const household = await county.page.locator('tbody td a[href^="/households/"]').first();
  const head = (await household.innerText()).trim();
  const householdPath = await household.getAttribute('href');
  await county.open(householdPath);
  await county.look('household', ['dt']);
  await county.open('/');
  if (size === 'phone') await county.open('/search');
  await county.page.locator('input[name=q]').last().fill(head);
  // On a phone the search page leads to itself, so its address says nothing of whether the answer is there.
  await Promise.all([county.page.waitForEvent('load'), county.page.locator('input[name=q]').last().press('Enter')]);
  assert.match(county.page.url(), /\/(search\?|households\/)/);
  await county.look('search');
  const found = county.page.locator('a[href^="/households/"]', { hasText: head }).first();
  assert(await found.count(), `searching for ${head} finds the household`);
  await county.open('/search?q=%E4%B8%8D%E5%AD%98%E5%9C%A8%E7%9A%84%E4%BA%BA');
  await county.look('search-empty', ['.empty']);
  await county.open(item);
  await county.look('item-new');
  // The choice of a person answers while one types.
  await county.page.fill('#f-who', '');
  await county.page.locator('#f-who').pressSequentially('villag');
  await county.page.waitForFunction(() => {
    const offered = [...document.querySelectorAll('#assignees option')].map((option) => option.value);
    return offered.length === 1 && offered[0].endsWith(' village');
  });
  await county.page.fill('#f-who', await county.page.locator('#assignees option').getAttribute('value'));
  await county.press('#assign button[type=submit]');
  await county.look('item-assigned');

  // A masked value is shown for a reason, which the audit log keeps.
  await county.open(new URL(householdPath, base).pathname);
  await county.page.locator('.masked a').first().click();
  await county.page.locator('#reveal-dialog[open]').waitFor();
  await county.page.fill('#reveal-reason', `电话联系本户 calling the household ${turn}`);
  await county.press('#reveal-dialog button[type=submit]');
  assert.notEqual(await county.text('#revealed'), '', 'the value is shown');
  await county.look('revealed', ['dt']);
  for (const [name, path] of [
    ['households', '/households'], ['signals', '/signals'], ['signals-confirmed', '/signals?kind=epidemic.confirmed'],
    ['account', '/settings/account'], ['ledger-full', '/ledger?state=all&cols=full'], ['ledger-export', '/ledger/export?state=all'],
    ['notices', '/notices'], ['look-backs', '/ledger/look-backs'], ['proxies', '/ledger/proxies'], ['handover', '/ledger/handover'],
  ]) {
    await county.open(path);
    await county.look(name);
  }

  // The books, and the lists that their figures open: items that moved, items open on a day, households.
  for (const [name, figure] of [
    ['ledger-moved', 'a[href^="/ledger?"][href*="moved="]'], ['ledger-asof', 'a[href^="/ledger?"][href*="asof="]'],
    ['balance-list', 'a[href^="/ledger/balance/list?"]'],
  ]) {
    await county.open('/ledger');
    await county.press('main a[href="/ledger/balance"]');
    if (name === 'ledger-moved') await county.look('balance');
    const counted = Number((await county.text(`td.num ${figure}`)).replaceAll(',', ''));
    await county.press(county.page.locator(`td.num ${figure}`).first());
    await county.look(name);
    const listed = await county.page.locator('main tbody tr').count();
    assert.equal(listed, Math.min(counted, 50), `a figure of ${counted} opens its list, 50 on a page`);
  }

  // An organisation, from the household that one of its people helps, and found by its name.
  await county.open('/ledger?state=all');
  const files = await county.page.locator('tbody td a[href^="/households/"]').evaluateAll((links) => links.map((link) => link.pathname));
  let organisation;
  for (const file of [...new Set(files)].slice(0, 10)) {
    await county.open(file);
    organisation = county.page.locator('main a[href^="/organisations/"]').first();
    if (await organisation.count()) break;
  }
  const unit = (await organisation.innerText()).trim();
  await county.press(organisation);
  await county.look('organisation');
  assert((await county.text('h1')).startsWith(unit), 'the link of a household opens its organisation');
  await county.open(`/search?q=${encodeURIComponent(unit)}`);
  await county.look('search-organisation');
  assert(await county.page.locator('main a[href^="/organisations/"]', { hasText: unit }).count(), `searching for ${unit} finds it`);
  await county.open('/ledger/export?state=all');
  await county.page.fill('#f-purpose', '县调度会 for the county meeting');
  const [file] = await Promise.all([county.page.waitForEvent('download'), county.page.click('main form button[type=submit]')]);
  assert.match(file.suggestedFilename(), /^ledger-.*-public\.xlsx$/);
  await county.open('/no/such/page', 404);
  await county.look('not-found');
  assert.match(await county.text('main'), new RegExp(words.missing));
  await county.open('/ledger/00000000-0000-7000-8000-000000000000', 404);
  await county.look('item-not-found');
  seen += await county.leave();

  // The village works it and asks for it to be closed, and may not check its own work.
  const officerHere = await Visitor.enter(browser, 'village', lang, size);
  await officerHere.look('village-home');
  await officerHere.open('/ledger');
  await officerHere.look('village-ledger');
  await officerHere.open(item);
  const start = officerHere.page.locator('form:has(input[name=action][value=start]) button');
  if (await start.count()) await officerHere.press(start.first());
  for (let left = 12; left > 0; left -= 1) {
    const measure = officerHere.page.locator('.checklist li:not(.is-done) form button').first();
    if (!(await measure.count())) break;
    await officerHere.page.locator('.checklist li:not(.is-done) form input[name=note]').first().fill('已上门落实 done at the house');
    await officerHere.press(measure);
  }
  await officerHere.look('item-worked');
  await officerHere.page.setInputFiles('#f-file', {
    name: '现场.png', mimeType: 'image/png',
    buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'),
  });
  await officerHere.press('form[action$="/attach"] button');
  await officerHere.look('item-photo');
  await officerHere.page.locator('form:has(input[name=action][value=submit]) textarea').fill('各项措施均已落实，请核验。 All done, please check.');
  await officerHere.press('form:has(input[name=action][value=submit]) button[type=submit]');
  await officerHere.look('item-submitted');
  assert.equal(await officerHere.page.locator('input[name=action][value=pass]').count(), 0, 'nobody closes their own work');
  seen += await officerHere.leave();

  // Another person checks on site and closes it.
  const town = await Visitor.enter(browser, 'town', lang, size);
  await town.open('/ledger?state=to_check');
  await town.look('to-check');
  await town.open(item);
  const check = town.page.locator('form:has(input[name=action][value=check]) button[type=submit]');
  if (await check.count()) {
    await check.first().scrollIntoViewIfNeeded();
    await town.press(check.first());
  }
  const pass = 'form:has(input[name=action][value=pass])';
  await town.look('item-checking');
  await town.page.locator(`${pass} textarea`).fill('入户核实，问题已解决。 Seen at the house: solved.');
  const place = town.page.locator(`${pass} input[name=place]`);
  if (await place.count()) await place.fill('户内 at the house');
  await town.press(`${pass} button[type=submit]`);
  await town.look('item-closed');
  assert.match(await town.text('h1'), new RegExp(words.closed), 'the item is closed');
  seen += await town.leave();

  // The administrator's pages, and what a stranger to a page is told.
  const admin = await Visitor.enter(browser, 'admin', lang, size);
  for (const [name, path] of [['users', '/settings/users'], ['user-new', '/settings/users/new'], ['health', '/settings/health']]) {
    await admin.open(path);
    await admin.look(name);
  }
  const answer = await admin.page.request.get(`${base}/households/00000000-0000-7000-8000-000000000000`);
  assert(answer.status() === 404 || answer.status() === 403, 'a household that is not there is not found');
  seen += await admin.leave();

  const auditor = await Visitor.enter(browser, 'auditor', lang, size);
  await auditor.open('/settings/audit');
  await auditor.look('audit');
  assert((await auditor.page.locator('main').innerText()).includes(`calling the household ${turn}`), 'the reason is in the log');
  await auditor.press('form[action="/settings/audit/verify"] button');
  await auditor.look('audit-verified');
  seen += await auditor.leave();

  const analyst = await Visitor.enter(browser, 'analyst', lang, size);
  for (const [name, path] of [['province', '/'], ['imports', '/imports'], ['compare-new', '/comparisons/new'], ['assessment', '/assess']]) {
    await analyst.open(path);
    await analyst.look(name);
  }
  await analyst.press('main a[href="/assess/profile"]');
  await analyst.look('profile');
  await analyst.open('/assess/profile/compare');
  await analyst.look('profile-compare');
  await analyst.open('/sources');
  await analyst.look('sources');
  await analyst.press('main tbody a[href^="/sources/"]');
  await analyst.look('source');

  // A file of a registry, in its own encoding: other rows in each walk, so that none is the file of the one before.
  const rows = readFileSync(join(input, '家庭成员信息.csv')).toString('latin1').split('\n').slice(0, 40 + turn).join('\n');
  await analyst.open('/imports');
  await analyst.page.setInputFiles('input[name=file]', {
    name: `家庭成员信息-${turn}.csv`, mimeType: 'text/csv', buffer: Buffer.from(rows, 'latin1'),
  });
  await analyst.press('form[action="/imports"] button[type=submit]');
  await analyst.look('import-preview');
  await analyst.press('form[action$="/commit"] button');
  await analyst.look('import-job');
  const job = analyst.page.locator('a[href^="/jobs/"], [id^="job-"]').first();
  if (await job.count()) {
    const id = (await job.getAttribute('href'))?.replace('/jobs/', '') ?? (await job.getAttribute('id')).replace('job-', '');
    await analyst.open(`/jobs/${id}`);
    await analyst.look('job');
    await analyst.page.locator('main a.btn-primary[href^="/imports/"]').waitFor();
    await analyst.look('job-done');
    await analyst.press('main a.btn-primary[href^="/imports/"]');
  }
  await analyst.look('import-committed');
  assert.equal(await analyst.page.locator('.tile-figure').first().innerText().then((text) => Number.parseInt(text, 10)), 39 + turn, 'every row of the file is counted');
  await analyst.open('/imports');
  const imported = analyst.page.locator('a[href^="/imports/"]').first();
  assert(await imported.count(), 'what the command line brought in is seen by the province');
  await analyst.press(imported);
  await analyst.look('import');
  await analyst.open('/comparisons');
  const lists = analyst.page.locator('main a[href^="/comparisons/"]:not([href$="/new"])');
  assert(await lists.count(), 'the lists that the command line compared are seen by the province');
  seen += await analyst.leave();
  return seen;
}

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let pages = 0;
let turn = 0;
try {
  for (const size of Object.keys(SIZES)) {
    for (const lang of Object.keys(WORDS)) {
      pages += await walk(browser, lang, size, turn);
      turn += 1;
      console.log(`${lang} ${size}: done`);
    }
  }
} finally {
  await browser.close();
}
console.log(`${pages} pages looked at`);
