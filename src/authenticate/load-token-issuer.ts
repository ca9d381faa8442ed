import { readFile } from 'node:fs/promises';
import type { TokenIssuerConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { urlProblem } from './fetch-document.ts';
import { algorithmProblems, fileKeys, type IssuerKeys, secretKeys } from './issuer-keys.ts';
import { RemoteKeys } from './remote-keys.ts';
import { TokenIssuer } from './token-issuer.ts';

/**
 * Gives the verifier of an issuer's tokens with its keys. A JWK set is fetched in the background, so that a provider
 * that is down does not keep the gateway from starting; `close()` ends that.
 *
 * @throws SP_CONFIG_INVALID with every problem: an algorithm that fits no key, a secret that is too short, a file that
 *   cannot be read, an address that is not https
 */
export async function loadTokenIssuer(
  config: TokenIssuerConfig,
  clock: Clock,
  logger: Logger,
): Promise<TokenIssuer> {
  const { keys, ...rules } = config;
  const problems = algorithmProblems(config.algorithms, keys.kind);
  if (config.audience.length === 0) problems.push('an audience is needed');
  if (keys.kind === 'jwks') {
    const problem = urlProblem(keys.url);
    if (problem !== undefined) problems.push(`the address of the key set is refused: ${problem}`);
  }
  if (problems.length > 0) throw invalid(config.issuer, problems);
  return new TokenIssuer(rules, await loadKeys(config, logger), clock);
}

async function loadKeys(config: TokenIssuerConfig, logger: Logger): Promise<IssuerKeys> {
  const { keys, algorithms, issuer } = config;
  switch (keys.kind) {
    case 'secret':
      return secretKeys(keys.secret, algorithms);
    case 'file':
      return fileKeys(await read(keys.path, issuer), algorithms);
    case 'jwks': {
      const ca = keys.ca === undefined ? undefined : await read(keys.ca, issuer);
      return new RemoteKeys({ url: keys.url, ca, algorithms, issuer, logger });
    }
  }
}

async function read(path: string, issuer: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw invalid(issuer, [`the file ${path} cannot be read`], error);
  }
}

function invalid(issuer: string, problems: readonly string[], cause?: unknown): GatewayError {
  const detail = `token issuer ${issuer}: ${problems.join('; ')}`;
  return new GatewayError('SP_CONFIG_INVALID', { detail, problems, cause });
}
