// Opens HTML files, or the pages of an agent, in headless Chromium and says what
// is wrong with them:
//
//   node page.mjs FILE...
//   node page.mjs http://127.0.0.1:9719/
//
// Each is seen on a desktop, a tablet and a phone, light and dark, and without
// script. Wrong is an error on the console, a request that leaves the page, a
// page wider than the window, and what axe-core calls serious or critical.
// CHROMIUM names the browser; SHOTS is a folder for pictures.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const views = [[1280, 'light'], [1280, 'dark'], [800, 'light'], [390, 'light'], [390, 'dark']];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  // Chromium's sandbox refuses root, as whom a gate often runs. The pages are
  // our own, and nothing is fetched.
  args: ['--no-sandbox', '--disable-background-networking'],
  timeout: 120_000,
}).catch((e) => {
  console.error(`page: Chromium does not start here: ${e.message.split('\n')[0]}`);
  process.exit(75); // no fault of the pages
});
let faults = 0;

const shotName = (file) => served(file) ? `agent${new URL(file).pathname}${new URL(file).search}`.replace(/[^a-z0-9]+/g, '-') : basename(file, '.html');
const served = (file) => file.startsWith('http://');

// look opens a file, or a page that is served, in a window of its own and hands it to
// whoever looks.
async function look(file, where, options, see) {
  const context = await browser.newContext({ offline: !served(file), ...options });
  context.setDefaultTimeout(120_000); // a busy machine is no fault either
  const page = await context.newPage();
  const fault = (what) => {
    faults++;
    console.log(`FAULT ${basename(file)}, ${where}: ${what}`);
  };
  const url = served(file) ? file : pathToFileURL(resolve(file)).href;
  page.on('console', (m) => m.type() === 'error' || m.type() === 'warning' ? fault(`console: ${m.text()}`) : undefined);
  page.on('pageerror', (e) => fault(`script: ${e.message}`));
  page.on('request', (r) => r.url() !== url && !r.isNavigationRequest() && !r.url().startsWith('data:') ? fault(`asks for ${r.url()}`) : undefined);
  const answer = await page.goto(url);
  if (served(file) && answer.status() !== 200) fault(`answers ${answer.status()}`);
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return null;
    const widest = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > room + 0.5);
    return widest.slice(-3).map((e) => `${e.tagName.toLowerCase()}.${e.className} to ${Math.round(e.getBoundingClientRect().right)} px: ${e.textContent.trim().slice(0, 40)}`);
  });
  if (wide) fault(`wider than the window: ${wide.join('; ')}`);
  await see(page, fault);
  await context.close();
}

// unfolded opens what is folded away and is the text of the whole page, what is
// not laid out before it is in sight included (which innerText leaves out).
const unfolded = () => {
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  return [...document.body.children].map((e) => e.textContent).join(' ');
};

async function examine(file) {
  let withScript = '';
  for (const [width, colorScheme] of views) {
    await look(file, `${width} px ${colorScheme}`, { viewport: { width, height: 900 }, colorScheme }, async (page, fault) => {
      if (process.env.SHOTS) {
        await page.screenshot({ path: join(process.env.SHOTS, `${shotName(file)}-${width}-${colorScheme}.png`), fullPage: true });
      }
      withScript = await page.evaluate(unfolded);
      // Colours do not depend on the width, nor the layout on the colours.
      if (`${width} ${colorScheme}` !== '1280 light' && `${width} ${colorScheme}` !== '390 dark') return;
      await page.evaluate(`${axeSource}; void 0`);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'], preload: false }));
      for (const v of violations.filter((v) => ['serious', 'critical'].includes(v.impact))) {
        fault(`axe: ${v.id} (${v.impact}), ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(' | ')}`);
      }
    });
  }
  // What is served changes from one look to the next: a target that recovers has less to
  // say. So a page that is served is looked at again with script, at most four times.
  let same = false;
  for (let n = 0; n === 0 || served(file) && n < 5 && !same; n++) {
    if (n) await look(file, 'with script', {}, async (page) => { withScript = await page.evaluate(unfolded); });
    await look(file, 'without script', { viewport: { width: 390, height: 900 }, javaScriptEnabled: false }, async (page) => {
      const text = await page.evaluate(unfolded);
      same = text.trim().length >= 200
        && (served(file) ? text.length > withScript.length * 0.8 : text.replace(/\s+/g, '') === withScript.replace(/\s+/g, ''));
    });
  }
  if (!same) {
    faults++;
    console.log(`FAULT ${basename(file)}, without script: says something else than with script`);
  }
  // On paper: whatever is folded cannot be opened there.
  await look(file, 'print', { viewport: { width: 794, height: 1123 } }, async (page) => {
    await page.emulateMedia({ media: 'print' });
    if (process.env.SHOTS) {
      await page.screenshot({ path: join(process.env.SHOTS, `${shotName(file)}-print.png`), fullPage: true });
    }
  });
}

// agentPages are one page of each kind that an agent serves, found by its links; a
// button is pressed on the way, which has to lead back to a page.
async function agentPages(base) {
  const found = new Set([base, `${base}?range=90d`]);
  await look(base, 'links', {}, async (page, fault) => {
    // Until every target was checked once.
    for (let n = 0; n < 240 && (await page.textContent('main')).includes('not checked yet'); n++) {
      await page.waitForTimeout(500);
      await page.goto(base);
    }
    const follow = async (selector) => {
      const href = await page.locator(selector).first().getAttribute('href').catch(() => null);
      if (!href) return fault(`no link ${selector}`);
      found.add(new URL(href, base).href);
      await page.goto(new URL(href, base).href);
    };
    await follow('.card h3 a');
    const button = page.getByRole('button', { name: 'Check now without the credential' });
    const [answer] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'POST'), button.click()]);
    if (answer.status() !== 303) fault(`the button is answered ${answer.status()}`);
    await page.waitForURL(/targets\/[^/]+$/);
    await follow('#runs ~ table tbody a'); // a run
    await page.goto(base);
    if (await page.locator('.differs a').count()) await follow('.differs a');
  });
  return [...found];
}

const files = (await Promise.all(process.argv.slice(2).map((f) => served(f) ? agentPages(f) : [f]))).flat();
const queue = [...files];
await Promise.all([1, 2, 3].map(async () => {
  for (let file; (file = queue.shift());) await examine(file);
}));
await browser.close();
console.log(`${files.length} pages, ${faults} faults`);
process.exit(faults > 0 || files.length === 0 ? 1 : 0);
