// Walks the road as its users do: find a household, judge a doubtful match, work an item, have another person close it.
// Once in each language at each width. Needs TAIZHANG_URL, TAIZHANG_PASSWORD and a Chromium (CHROMIUM or the usual name);
// pictures of every page go to TAIZHANG_SHOTS where that is set.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const base = process.env.TAIZHANG_URL?.replace(/\/$/, '');
const password = process.env.TAIZHANG_PASSWORD;
const shots = process.env.TAIZHANG_SHOTS;
assert(base && password, 'TAIZHANG_URL and TAIZHANG_PASSWORD are needed');
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find((path) => path && existsSync(path));
assert(browserPath, 'no Chromium found: set CHROMIUM to its path');

const WORDS = {
  'zh-CN': { closed: '已销号', signIn: '登录', missing: '没有找到' },
  en: { closed: 'Closed', signIn: 'Sign in', missing: 'not found' },
};
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

  async open(path) {
    await this.page.goto(base + path);
  }

  /** Presses a control that leads to another page. */
  async press(selector) {
    const control = typeof selector === 'string' ? this.page.locator(selector).first() : selector;
    await Promise.all([this.page.waitForEvent('load'), control.click()]);
  }

  /** What holds of every page: the language, no page wider than the screen, no text left out, no script trouble. */
  async look(name) {
    const facts = await this.page.evaluate(() => ({
      lang: document.documentElement.lang,
      wide: document.documentElement.scrollWidth - window.innerWidth,
      text: document.body.innerText,
      unlabelled: [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(
        (field) => !(field.labels?.length || field.getAttribute('aria-label')),
      ).map((field) => field.name),
    }));
    this.seen += 1;
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await this.page.screenshot({ path: join(shots, `${this.lang}-${this.size}-${name}.png`), fullPage: true });
    }
    const where = `${name} (${this.lang}, ${this.size}, ${this.page.url()})`;
    assert.equal(facts.lang, this.lang, `${where} is in its language`);
    assert(facts.wide <= 0, `${where} is ${facts.wide} px wider than the screen`);
    assert.deepEqual(facts.unlabelled, [], `${where} has fields without a label`);
    // A text that is missing shows its key; both languages have the same keys, and only in Chinese does one stand out.
    const keys = facts.text.match(this.lang === 'en' ? /\{\s*\$\w+\s*\}/g : /(?<![\w.\/-])[a-z]+(-[a-z_]+)+(?![\w.\/-])/g);
    assert.equal(keys, null, `${where} shows ${keys} in place of a text`);
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
  await clerk.look('review');
  await clerk.page.fill('textarea[name=note]', '电话核实 checked by phone');
  await clerk.press(turn % 2 === 0 ? 'button[value=confirm]' : 'button[value=reject]');
  await clerk.look('review-next');
  await clerk.open(list);
  const after = Number((await clerk.text('.tabs a:nth-of-type(2) .count')).replaceAll(',', ''));
  assert(after <= before, 'a judged row leaves the queue');
  seen += await clerk.leave();

  // The county gives an item to the village.
  const county = await Visitor.enter(browser, 'county', lang, size);
  const village = new URL('/ledger', base);
  await county.open('/ledger');
  await county.look('ledger');
  // Items of the village officer's own village stand under its code, which the demo hands to the script.
  await county.open(`/ledger?state=open&division=${process.env.TAIZHANG_VILLAGE ?? ''}`);
  const item = await county.page.locator('tbody th a[href^="/ledger/"]').first().getAttribute('href');
  const household = await county.page.locator('tbody td a[href^="/households/"]').first();
  const head = (await household.innerText()).trim();
  await county.open(await household.getAttribute('href'));
  await county.look('household');
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
  await county.look('search-empty');
  await county.open(item);
  await county.look('item-new');
  const officer = await county.page.locator('#f-assignee option').filter({ hasText: /village|村/i }).first().getAttribute('value')
    ?? await county.page.locator('#f-assignee option:not([value=""])').first().getAttribute('value');
  await county.page.selectOption('#f-assignee', officer);
  await county.press('form:has(#f-assignee) button[type=submit]');
  await county.look('item-assigned');
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

  const analyst = await Visitor.enter(browser, 'analyst', lang, size);
  for (const [name, path] of [['province', '/'], ['imports', '/imports'], ['compare-new', '/comparisons/new'], ['assessment', '/assess'], ['balance', '/ledger/balance']]) {
    const response = await analyst.page.goto(base + path);
    if (response.status() < 400) await analyst.look(name);
  }
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
