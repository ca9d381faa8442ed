import { readFile } from 'node:fs/promises';
import { importHtpasswd } from '../accounts/htpasswd.ts';
import type { Config } from '../config/config.ts';
import { asGatewayError, GatewayError, isStateAway } from '../errors.ts';
import type { Foundation } from './foundation.ts';

const RETRY_MS = 1_000;

/**
 * Gives the text of the htpasswd file that the configuration names.
 * @throws SP_CONFIG_INVALID when it cannot be read
 */
export async function readAccountFile({ authenticate }: Config): Promise<string | undefined> {
  const file = authenticate.basic?.htpasswd;
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const problem = `authenticate.basic.htpasswd: ${file} cannot be read`;
    throw new GatewayError('SP_CONFIG_INVALID', {
      detail: problem,
      problems: [problem],
      reason: 'config',
      cause,
    });
  }
}

/**
 * Imports the accounts of an htpasswd file; while the state is away or full, again and again in the background.
 *
 * @param text - `undefined`: there is nothing to import
 * @returns stops trying; safe to call twice
 */
export async function importAccounts(text: string | undefined, foundation: Foundation): Promise<() => void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const attempt = async (): Promise<void> => {
    const done = await importOnce(text ?? '', foundation);
    if (!done && !stopped) timer = setTimeout(() => void attempt(), RETRY_MS).unref();
  };
  if (text !== undefined) await attempt();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** @returns whether the import is over; false when the state did not take it */
async function importOnce(text: string, { accounts, logger }: Foundation): Promise<boolean> {
  try {
    const { added, updated, problems } = await importHtpasswd(text, accounts);
    if (added + updated > 0) logger.info({ added, updated }, 'accounts were imported');
    if (problems.length > 0) logger.warn({ problems }, 'lines of the htpasswd file were not imported');
    return true;
  } catch (thrown) {
    const { code, detail, reason } = asGatewayError(thrown);
    logger.warn({ code, detail, reason }, 'the accounts of the htpasswd file are not imported yet');
    return reason === 'closed' || !isStateAway(thrown);
  }
}
