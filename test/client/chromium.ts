// A real browser for a test: Debian's Chromium, with a new empty profile.

import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const START_TIMEOUT_MS = 60_000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executablePath = EXECUTABLES.find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // It is not there, or not for us.
    return false;
  }
});

/** Why tests in a browser are left out; false where there is one. */
export const NO_CHROMIUM: string | false =
  executablePath === undefined ? `no browser: there is no Chromium at ${EXECUTABLES.join(', ')}` : false;

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** A browser with one page, at this address. */
export async function openPage(url: string): Promise<OpenPage> {
  const profile = mkdtempSync(join(tmpdir(), 'troupe-chromium-'));
  const options = { executablePath: executablePath!, headless: true, args: FLAGS, timeout: START_TIMEOUT_MS };
  const browser = await chromium.launchPersistentContext(profile, options);
  const page = await browser.newPage();
  await page.goto(url);
  return {
    page,
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
