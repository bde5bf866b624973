import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { type GatewayProcess, scratchFolder, spawnGateway } from '../support/gateway.ts';

if (!hasBrowser) console.warn('browser tests are skipped: no Chromium for this platform; set CHROMIUM_PATH');

describe.skipIf(!hasBrowser)('the console of a gateway in dev mode, in a real browser', () => {
  let browser: Browser;
  let gateway: GatewayProcess;
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await scratchFolder();
    const env = { CARILLON_DATA_DIR: folder.path };
    [browser, gateway] = await Promise.all([launchBrowser(), spawnGateway(env, [], { dev: true }).ready]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), gateway?.end()]);
    await folder?.remove();
  });

  const open = async (path: string): Promise<Page> => {
    const page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(new URL(path, gateway.httpUrl).href);
    return page;
  };
  const titles = (page: Page): Promise<string[]> => page.locator('#events li strong').allTextContents();

  it('shows a first notification, and after the line was cut goes on where it was, with nothing twice', async () => {
    const page = await open('/');
    await page.click('#connect');
    await page.waitForSelector('#state[data-state=live]');
    await page.click('#publish button');
    await page.waitForSelector('#events li');
    expect(await titles(page)).toEqual(['Hello from Carillon']);
    await page.click('#cut');
    await page.fill('[name=title]', 'While the line was cut');
    await page.click('#publish button');
    await page.waitForSelector('#events li:nth-child(2)');
    expect(await titles(page)).toEqual(['While the line was cut', 'Hello from Carillon']);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('tells a person what is wrong with an event', async () => {
    const page = await open('/');
    await page.fill('[name=url]', 'javascript:alert(1)');
    await page.click('#publish button');
    await page.waitForSelector('#result[data-kind=error]');
    expect(await page.textContent('#result')).toMatch(/url/);
    await page.close();
  });

  it('offers GraphiQL without a request to anywhere else', async () => {
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    const home = new URL(gateway.httpUrl).origin;
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(home) && !/^(?:data|blob):/.test(url)) elsewhere.push(url);
    });
    await page.goto(gateway.httpUrl);
    await page.waitForSelector('.graphiql-execute-button');
    expect(elsewhere).toEqual([]);
    await page.close();
  });
});
