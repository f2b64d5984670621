// Open a report in Chromium and print what was seen as JSON: browse_report.js FILE light|dark WIDTH [screenshot]
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const [file, scheme, width, screenshot] = process.argv.slice(2);
const url = pathToFileURL(file).href;
const viewport = { width: Number(width), height: 1000 };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ colorScheme: scheme, viewport });

const complaints = [];
const requests = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(error.message));
page.on("dialog", (dialog) => complaints.push(dialog.message()) && dialog.dismiss());
page.on("request", (request) => request.url() === url || requests.push(request.url()));

const countRules = (page) => page.locator("#rules tr[data-verdict]:visible").count();

/** Return what keeps people from reading the page: contrast, headings, names, tables. */
async function findObstacles() {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

await page.goto(url);
if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
const seen = { rules: await countRules(page) };
seen.title = await page.title();
seen.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
seen.overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
seen.closed = await page.locator(".cases:visible").count();

await page.getByLabel("Filter").fill("LIST total");
seen.found = await page.locator("#rules tr[data-verdict]:visible code").allInnerTexts();
seen.output = await page.locator("#filter output").innerText();
await page.getByLabel("Filter").fill("");
await page.getByLabel("Verdict").selectOption("not judged");
seen.notJudged = await page.locator("#rules tr[data-verdict]:visible code").allInnerTexts();
await page.locator("h3 a").first().click(); // to a rule that is filtered out
seen.target = await page.locator(":target:visible code").innerText();

if (await page.locator(".copy:visible").count()) {
  await page.locator(".copy:visible").first().click();
  seen.selected = await page.evaluate(() => getSelection().toString());
}
seen.obstacles = await findObstacles();
seen.opened = await page.locator(".cases:visible").count();

await page.reload();
await page.getByLabel("Verdict").selectOption("not judged");
const pdf = await page.pdf();
await page.emulateMedia({ media: "print" });
seen.printed = {
  pdf: pdf.subarray(0, 5).toString(),
  rules: await countRules(page),
  cases: await page.locator(".cases").evaluateAll((all) => all.filter((one) => one.checkVisibility()).length),
  controls: await page.locator("form:visible, button:visible").count(),
  background: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
};

const plain = await browser.newPage({ javaScriptEnabled: false, viewport });
await plain.goto(url);
seen.withoutScript = { rules: await countRules(plain), controls: await plain.locator("form:visible, button:visible").count() };

console.log(JSON.stringify({ ...seen, complaints, requests }));
await browser.close();
