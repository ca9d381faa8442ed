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
  const what = thrown instanceof Error ? thrown.message : 'something was thrown that is not an error';
  return [`sallyport: ${what}`, '  to do: run it again with SALLYPORT_DEBUG=1 to see where it comes from'];
}
