import { GatewayError } from '../errors.ts';

/**
 * Gives SP_CONFIG_INVALID for an address of the state that means nothing.
 *
 * @param problem - sentence with the way to mend it. Security: it must not quote the address, which may hold a password
 */
export function invalidAddress(problem: string, cause?: unknown): GatewayError {
  return new GatewayError('SP_CONFIG_INVALID', {
    detail: problem,
    problems: [problem],
    reason: 'state',
    cause,
  });
}
