import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { asGatewayError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { openStore } from '../state/open-store.ts';
import { type Finding, finding } from './diagnosis.ts';

const PATIENCE_MS = 3000;

/** Tells whether the state answers. Security: its URL may hold a password and is not shown. */
export async function examineState(config: Config): Promise<Finding> {
  const url = config.state.url.reveal();
  if (url.startsWith('file:') && !existsSync(url.slice('file:'.length))) {
    return finding('ok', 'state', 'the state file is made on the first start');
  }
  try {
    const store = openStore({ url: config.state.url, clock: systemClock, logger: silentLogger });
    try {
      await withPatience(store.records.get('doctor'));
    } finally {
      await store.close();
    }
    return finding('ok', 'state', `${store.health().driver} answers`);
  } catch (thrown) {
    const { title, code } = asGatewayError(thrown);
    return finding('fail', 'state', `${title} (${code})`);
  }
}

async function withPatience(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the state did not answer in time')), PATIENCE_MS);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
