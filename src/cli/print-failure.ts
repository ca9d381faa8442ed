import { GatewayError } from '../errors.ts';
import { Complaint } from './complaint.ts';
import { plainText } from './plain-text.ts';
import type { Shell } from './shell.ts';

/** Prints a failure to stderr: what, where, what to do. The stack follows with SALLYPORT_DEBUG=1. */
export function printFailure(thrown: unknown, shell: Pick<Shell, 'err' | 'env'>): void {
  for (const line of linesOf(thrown)) shell.err(`${plainText(line)}\n`);
  if (shell.env.SALLYPORT_DEBUG === '1' && thrown instanceof Error) shell.err(`${thrown.stack}\n`);
}

function linesOf(thrown: unknown): string[] {
  if (thrown instanceof Complaint) {
    const where = thrown.where === undefined ? [] : [`  where: ${thrown.where}`];
    const remedy = thrown.remedy === undefined ? [] : [`  to do: ${thrown.remedy}`];
    return [
      `sallyport: ${thrown.message}`,
      ...thrown.problems.map((text) => `  - ${text}`),
      ...where,
      ...remedy,
    ];
  }
  if (thrown instanceof GatewayError) {
    const told = thrown.problems.length > 0 ? thrown.problems : [thrown.detail ?? thrown.reason ?? ''];
    const lines = told.filter((text) => text !== '').map((text) => `  - ${text}`);
    return [`sallyport: ${thrown.title} (${thrown.code})`, ...lines];
  }
  if (thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'listen') {
    return [`sallyport: ${endpointFailure(thrown)}`];
  }
  const what = thrown instanceof Error ? thrown.message : 'something was thrown that is not an error';
  return [`sallyport: ${what}`, '  to do: run it again with SALLYPORT_DEBUG=1 to see where it comes from'];
}

/** Says why an endpoint cannot be had, from what the system said of it. */
function endpointFailure(error: Error & { code?: unknown; address?: unknown; port?: unknown }): string {
  const endpoint = [error.address, error.port].filter((part) => part !== undefined).join(':');
  switch (error.code) {
    case 'EADDRINUSE':
      return `${endpoint} is taken by another program: stop it, or name another endpoint in \`listen\``;
    case 'EADDRNOTAVAIL':
      return `${endpoint} cannot be listened on: this machine does not have the address`;
    case 'EACCES':
      return `${endpoint} cannot be listened on: this user may not (ports below 1024 need CAP_NET_BIND_SERVICE)`;
    default:
      return `${endpoint} cannot be listened on: ${String(error.code)}`;
  }
}
