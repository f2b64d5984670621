// Open `/docs` in Chromium, try operations out, and print what was seen as JSON:
// browse_docs.js URL light|dark [screenshot]
import { chromium } from "playwright-core";

const [url, scheme, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage({ colorScheme: scheme, viewport: { width: 1280, height: 1600 } });

page.setDefaultTimeout(200_000);

const complaints = [];
const origins = new Set();
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(error.message));
page.on("request", (request) => request.url().startsWith("http") && origins.add(new URL(request.url()).origin));

/** Execute an operation with the values that the form shows; return the status and the body of the response. */
async function execute(operationId) {
  const operation = page.locator(`[id$="-${operationId}"]`);
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const response = operation.locator(".live-responses-table .response");
  await response.waitFor();
  const status = await response.locator(".response-col_status").first().innerText();
  const body = await response.locator(".response-col_description .highlight-code").first().innerText();
  await operation.locator(".opblock-summary-control").click();
  return { status, body };
}

await page.goto(`${url}/docs`);
await page.locator(".opblock").first().waitFor();
const operations = await page.locator(".opblock").count();
const events = await page.locator("#events details").count();
await page.locator("#events details summary").first().click();
const example = await page.locator("#events details[open] pre").innerText();
if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
const users = await execute("users_list");
const sessions = await execute("chats_list");
const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const isDark = await page.evaluate(() => document.documentElement.classList.contains("dark-mode"));

const seen = { operations, events, example, users, sessions, background, isDark, complaints, origins: [...origins] };
console.log(JSON.stringify(seen));
await browser.close();
