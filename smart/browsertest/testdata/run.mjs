// Drives a browser through the launches that its standard input describes, and prints what the app and the browser saw, as JSON.
import { createRequire } from "node:module"
import { readFileSync } from "node:fs"

const require = createRequire(process.env.MODULES + "/")
const { chromium } = require("playwright-core")
const { executable, launches } = JSON.parse(readFileSync(0, "utf8"))

const limit = 120_000 // the machine may have much else to do
const browser = await chromium.launch({ executablePath: executable, timeout: limit, args: ["--no-sandbox", "--disable-dev-shm-usage"] })
const results = {}
for (const launch of launches) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(limit)
  const seen = { pages: [], violations: [], log: [] }
  page.on("console", m => (/Content.Security.Policy|violates/i.test(m.text()) ? seen.violations : seen.log).push(m.text()))
  page.on("pageerror", e => seen.log.push(String(e)))
  page.on("response", r => seen.log.push(`${r.request().method()} ${r.url().replace(/[?].*/, "")} ${r.status()}`))
  if (launch.narrowPolicy) { // as if the server had forgotten that Chromium holds redirects after a form to form-action as well
    await page.route("**/oauth/**", async route => {
      if (route.request().url().endsWith(launch.narrowPolicy)) return route.continue()
      const response = await route.fetch({ maxRedirects: 0 })
      const headers = response.headers()
      if (headers["content-security-policy"]) {
        headers["content-security-policy"] = headers["content-security-policy"].replace(/form-action [^;]*/, "form-action 'self'")
      }
      await route.fulfill({ response, headers })
    })
  }
  try {
    await page.goto(launch.url)
    await walk(page, launch, seen)
  } catch (e) {
    seen.failure = String(e)
    seen.where = page.url().replace(/\?.*/, "")
    seen.text = await page.innerText("body").catch(() => "")
  }
  results[launch.name] = seen
  await context.close()
}
await browser.close()
console.log(JSON.stringify(results))

// walk answers each page by what it asks for, until the app is done.
async function walk(page, launch, seen) {
  for (let step = 0; step < 10; step++) {
    await page.waitForFunction(() => !window.answered && (document.title === "done" || document.querySelector("form")))
    if (await page.title() === "done") {
      seen.result = JSON.parse(await page.innerText("#result"))
      seen.scripts = await page.evaluate(() => document.cookie)
      return
    }
    const name = (await page.innerText("h1")).trim()
    seen.pages.push(name)
    await page.evaluate(() => { window.answered = true }) // and the next page is another document
    if (await page.locator("input[name=password]").count()) {
      await page.fill("input[name=username]", launch.username)
      await page.fill("input[name=password]", launch.password)
      await page.click("button")
    } else if (await page.locator("input[name=patient]").count()) {
      await page.check(`input[name=patient][value="${launch.patient}"]`)
      await page.click("button:has-text('Go on')")
    } else if (await page.locator("input[name=search]").count()) {
      await page.fill("input[name=search]", launch.search)
      await page.click("button:has-text('Search')")
    } else {
      for (const scope of launch.deny || []) await page.uncheck(`input[name=scope][value="${scope}"]`)
      await page.click("button[value=allow]")
      if (launch.narrowPolicy) { // nothing happens, but the console says why
        for (const began = Date.now(); !seen.violations.length && seen.title !== "done" && Date.now() - began < limit;) {
          await page.waitForTimeout(50)
          seen.title = await page.title().catch(() => "")
        }
        return
      }
    }
  }
  throw new Error("the launch does not end")
}
