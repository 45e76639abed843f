// Opens HTML files in headless Chromium and says what is wrong with them:
//
//   node page.mjs FILE...
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

// look opens a file in a window of its own and hands it to whoever looks.
async function look(file, where, options, see) {
  const context = await browser.newContext({ offline: true, ...options });
  context.setDefaultTimeout(120_000); // a busy machine is no fault either
  const page = await context.newPage();
  const fault = (what) => {
    faults++;
    console.log(`FAULT ${basename(file)}, ${where}: ${what}`);
  };
  const url = pathToFileURL(resolve(file)).href;
  page.on('console', (m) => m.type() === 'error' || m.type() === 'warning' ? fault(`console: ${m.text()}`) : undefined);
  page.on('pageerror', (e) => fault(`script: ${e.message}`));
  page.on('request', (r) => r.url() !== url && !r.url().startsWith('data:') ? fault(`asks for ${r.url()}`) : undefined);
  await page.goto(url);
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
        await page.screenshot({ path: join(process.env.SHOTS, `${basename(file, '.html')}-${width}-${colorScheme}.png`), fullPage: true });
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
  await look(file, 'without script', { viewport: { width: 390, height: 900 }, javaScriptEnabled: false }, async (page, fault) => {
    const text = await page.evaluate(unfolded);
    if (text.trim().length < 200 || text.replace(/\s+/g, '') !== withScript.replace(/\s+/g, '')) {
      fault('says something else than with script');
    }
  });
  // On paper: whatever is folded cannot be opened there.
  await look(file, 'print', { viewport: { width: 794, height: 1123 } }, async (page) => {
    await page.emulateMedia({ media: 'print' });
    if (process.env.SHOTS) {
      await page.screenshot({ path: join(process.env.SHOTS, `${basename(file, '.html')}-print.png`), fullPage: true });
    }
  });
}

const files = process.argv.slice(2);
const queue = [...files];
await Promise.all([1, 2, 3].map(async () => {
  for (let file; (file = queue.shift());) await examine(file);
}));
await browser.close();
console.log(`${files.length} pages, ${faults} faults`);
process.exit(faults > 0 || files.length === 0 ? 1 : 0);
